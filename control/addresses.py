"""The addresses under which services reach each other and the host."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from control import variables

LOCALHOST = "127.0.0.1"
_EXTERNAL_URLS = ("OPENAI_BASE_URL", "TELEGRAM_API_URL", "WEATHER_API_URL", "GOOGLE_API_URL")
_DATABASE_URLS = ("DATABASE_URL", "ASYNC_DATABASE_URL")
_LOCALHOST_PATTERN = re.compile(r"(?<=[/@])(localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)")


@dataclass(frozen=True)
class Addresses:
    """The addresses of one mode."""

    resolve: Callable[[str, Mapping[str, str]], str]
    """Returns `host:port` of a component, for the other components."""
    host_name: str | None
    """The name of the operator's machine inside a container; None in local mode."""

    def translate_localhost(self, values: dict[str, str]) -> None:
        """Replace localhost in the operator's URLs by the host's name inside containers."""
        if self.host_name is None:
            return
        for name in (*_EXTERNAL_URLS, *_DATABASE_URLS):
            if name in values:
                values[name] = _LOCALHOST_PATTERN.sub(self.host_name, values[name], count=1)
        if values.get("REDIS_HOST") in ("localhost", LOCALHOST):
            values["REDIS_HOST"] = self.host_name


def _resolve_local(component: str, values: Mapping[str, str]) -> str:
    if component == "redis":
        return f"{LOCALHOST}:{values.get('REDIS_PORT', variables.LOCAL_REDIS_PORT)}"
    return f"{LOCALHOST}:{values[f'{component.upper()}_PORT']}"


def _resolve_compose(component: str, values: Mapping[str, str]) -> str:
    ports = {
        "redis": variables.STANDARD_REDIS_PORT,
        "postgres": variables.STANDARD_POSTGRES_PORT,
        "sandbox": values["SANDBOX_PORT"],  # only the sandbox must listen on its published port
    }
    port = ports.get(component) or variables.DEFAULTS.get(f"{component.upper()}_PORT")
    return f"{component}:{port}"


LOCAL_ADDRESSES = Addresses(_resolve_local, host_name=None)
COMPOSE_ADDRESSES = Addresses(_resolve_compose, host_name="host.docker.internal")
