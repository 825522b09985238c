"""What follows from the operator's variables: real services, ports and the environment of
processes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from control import environment, replicas, variables
from control.addresses import LOCAL_ADDRESSES, LOCALHOST, Addresses
from control.credentials import SANDBOX_TELEGRAM_TOKEN
from control.errors import ControlError
from control.services import Service

MAX_PORT = 65535
_BOT_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Settings:
    """The complete settings of a suite."""

    root: Path
    state_dir: Path
    values: Mapping[str, str]
    """All variables, as the services receive them."""
    is_telegram_real: bool
    is_model_real: bool
    has_external_postgres: bool
    """Whether the operator has a server, so that none is started."""
    has_external_redis: bool

    @classmethod
    def load(
        cls, root: Path, environ: Mapping[str, str], addresses: Addresses = LOCAL_ADDRESSES
    ) -> "Settings":
        """Load the settings. Raises ControlError that names the invalid variable."""
        given = environment.load(root, environ)
        _validate(given)
        state_dir = environment.resolve_state_dir(root, given)
        values = given | {"STATE_DIR": str(state_dir)}
        addresses.translate_localhost(values)
        _add_addresses(values, addresses)
        _add_sandbox(values, f"http://{addresses.resolve('sandbox', values)}")
        return cls(
            root=root,
            state_dir=state_dir,
            values=values,
            is_telegram_real="TELEGRAM_TOKEN" in given,
            is_model_real="OPENAI_API_KEY" in given or "OPENAI_BASE_URL" in given,
            has_external_postgres="DATABASE_URL" in given,
            has_external_redis="REDIS_HOST" in given,
        )

    @property
    def needs_sandbox(self) -> bool:
        return not (self.is_telegram_real and self.is_model_real)

    @property
    def external_url(self) -> str | None:
        """An external server that the suite depends on; None if everything is in the sandbox."""
        if self.is_telegram_real:
            return self.values.get("TELEGRAM_API_URL", variables.TELEGRAM_URL)
        return self.values["OPENAI_BASE_URL"] if self.is_model_real else None

    def get_port(self, variable: str) -> int:
        return int(self.values[variable])

    def process_port(self, service: Service, number: int = 1) -> int:
        """Return the port on which one process of a service answers for itself.

        The first process uses the port of the service, unless that is shared: then the port 50
        above it. The second uses the port 150 above, the third 250, … Raises ControlError if there
        is no such port.
        """
        assert service.port is not None
        port = self.get_port(service.port)
        if number == 1 and not service.has_shared_port:
            return port
        own = port + 100 * number - 50
        if own > MAX_PORT:
            name = replicas.format_replica_name(service.name, number)
            raise ControlError(f"{service.port}={port} leaves no port above it for {name}: {own}")
        return own

    def local_url(self, variable: str) -> str:
        return f"http://{LOCALHOST}:{self.get_port(variable)}"

    def select_services(self, table: Iterable[Service]) -> tuple[Service, ...]:
        """Return the services of the table that run with these settings."""
        return tuple(item for item in table if item.name != "sandbox" or self.needs_sandbox)

    def build_environment(self, service: Service, number: int = 1) -> dict[str, str]:
        """Return the environment of a process: its variables, and those that all need."""
        visible = _pick(self.values, variables.MACHINE_VARIABLES) | self.select_variables(service)
        if service.needs_proxy:
            visible |= _proxy_variables(self.values)
        if service.port:
            own_port = f"{service.name.upper()}_OWN_PORT"
            variable = own_port if service.has_shared_port else service.port
            visible[variable] = str(self.process_port(service, number))
        return visible | {"PYTHONUNBUFFERED": "1"}

    def select_variables(self, service: Service) -> dict[str, str]:
        """Return the variables that a service receives."""
        pairs = service.variables.items()
        return {name: value for name, ours in pairs if (value := self.values.get(ours))}


def _validate(given: Mapping[str, str]) -> None:
    for name in (*variables.DEFAULTS, "REDIS_PORT"):
        text = given.get(name, "")
        is_port = text.isdecimal() and 0 < int(text) <= MAX_PORT
        if name.endswith("_PORT") and text and not is_port:
            raise ControlError(f"{name}={text}: a port is a number from 1 to {MAX_PORT}")
    if "TELEGRAM_TOKEN" in given and not _BOT_TOKEN.fullmatch(given["TELEGRAM_TOKEN"]):
        raise ControlError("TELEGRAM_TOKEN is not a bot's token, which looks like 123456:ABC-DEF")
    if ("DATABASE_URL" in given) != ("ASYNC_DATABASE_URL" in given):
        raise ControlError(
            "DATABASE_URL (psycopg2) and ASYNC_DATABASE_URL (asyncpg) name the same database:"
            " set both, or none to have one here"
        )
    if _is_on(given, "TELEGRAM_WEBHOOK") and "PUBLIC_URL" not in given:
        raise ControlError("TELEGRAM_WEBHOOK needs PUBLIC_URL, the address where Telegram finds us")
    if _is_on(given, "SANDBOX_CLOCK") and "TELEGRAM_TOKEN" in given:
        raise ControlError(
            "SANDBOX_CLOCK moves the time of the sandbox. With TELEGRAM_TOKEN, the users of your"
            " bot would get their reminders at the wrong time: remove one of both"
        )
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        if not given.get(name, "").isprintable():
            raise ControlError(f"{name} holds a character that cannot be printed")


def _add_addresses(values: dict[str, str], addresses: Addresses) -> None:
    if "REDIS_HOST" in values:
        values.setdefault("REDIS_PORT", variables.STANDARD_REDIS_PORT)
    else:
        values["REDIS_HOST"], _, values["REDIS_PORT"] = addresses.resolve(
            "redis", values
        ).partition(":")
    if "DATABASE_URL" not in values:
        password = quote(values.get("POSTGRES_PASSWORD", ""), safe="")
        address = addresses.resolve("postgres", values)
        place = f"smart_assistant:{password}@{address}/smart_assistant"
        values["DATABASE_URL"] = f"postgresql+psycopg2://{place}"
        values["ASYNC_DATABASE_URL"] = f"postgresql+asyncpg://{place}"
    for service in ("rest_service", "google_calendar_service"):
        values.setdefault(f"{service.upper()}_URL", f"http://{addresses.resolve(service, values)}")


def _add_sandbox(values: dict[str, str], sandbox: str) -> None:
    if "OPENAI_API_KEY" in values:
        values.setdefault("OPENAI_BASE_URL", variables.OPENAI_URL)
    elif "OPENAI_BASE_URL" not in values:
        values |= {"OPENAI_BASE_URL": f"{sandbox}/v1", "OPENAI_API_KEY": "sandbox"}
    if "TELEGRAM_TOKEN" not in values:
        values |= {
            "TELEGRAM_TOKEN": values.get(SANDBOX_TELEGRAM_TOKEN, ""),
            "TELEGRAM_API_URL": sandbox,
            "TELEGRAM_ALLOWED_USERS": "*",
        }
        values.setdefault("WEATHER_API_URL", f"{sandbox}/weather")
        values.setdefault("SANDBOX_CLOCK", "1")
        if _is_on(values, "SANDBOX_CLOCK"):
            values["SANDBOX_SERVICE_API_TOKEN"] = values.get("SERVICE_API_TOKEN", "")


def _is_on(values: Mapping[str, str], name: str) -> bool:
    """Return whether a setting is on, as the services read it (booleans of pydantic)."""
    return values.get(name, "0").lower() not in ("0", "false", "f", "no", "n", "off")


def _pick(values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: value for name in names if (value := values.get(name))}


def _proxy_variables(values: Mapping[str, str]) -> dict[str, str]:
    picked = _pick(values, variables.PROXY_VARIABLES)
    if any(name.lower().endswith("_proxy") for name in picked):
        others = picked.get("NO_PROXY") or picked.get("no_proxy") or ""
        direct = ",".join(part for part in (others, LOCALHOST, "localhost") if part)
        picked |= {"NO_PROXY": direct, "no_proxy": direct}
    return picked
