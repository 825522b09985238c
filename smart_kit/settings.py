"""Settings that several services share. Each service composes its own class from these.

`main.py` loads them once; no other code reads the environment. A service does not read `.env`: its
starter passes only the variables that the service needs. An empty variable counts as not set.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from smart_kit.errors import ConfigurationError

_list_zones = cache(available_timezones)  # it reads the files of the time zone database


def _validate_time_zone(name: str) -> str:
    if name not in _list_zones():
        raise ValueError(f"{name!r} is not an IANA time zone, e.g. Europe/Berlin")
    return name


TimeZoneName = Annotated[str, AfterValidator(_validate_time_zone)]
Language = Literal["ru", "en"]


def _format_error(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"]).upper()
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


_URL_PASSWORD_PATTERN = re.compile(r"(?<=://)[^/\s:@]*:(\S+)@")
"""Matches up to the last @, because unescaped passwords may contain one."""


@dataclass(frozen=True)
class AllowList:
    """The people who may use the bot without an invitation."""

    telegram_ids: tuple[int, ...] = ()
    """In the order in which they are written; the first is the owner."""
    everyone: bool = False

    def __contains__(self, telegram_id: int) -> bool:
        return self.everyone or telegram_id in self.telegram_ids


def _parse_allow_list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    if entries == ["*"]:
        return AllowList(everyone=True)
    for entry in entries:
        if not re.fullmatch(r"[1-9]\d{0,15}", entry):
            raise ValueError(
                f"{entry!r} is not a Telegram id. Write numeric ids separated by commas, or only *"
                " to admit everyone"
            )
    return AllowList(tuple(map(int, entries)))


AllowedUsers = Annotated[AllowList, NoDecode, BeforeValidator(_parse_allow_list)]
"""TELEGRAM_ALLOWED_USERS: Telegram ids separated by commas, or `*`."""


class ServiceSettings(BaseSettings):
    """Settings of every service."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is logged: DEBUG, INFO, WARNING or ERROR."""
    log_format: Literal["console", "json"] = "console"
    """console or json. Empty: console in local mode, json in Docker."""
    bind_host: str = "127.0.0.1"
    """Address that a service listens on; containers set 0.0.0.0."""
    sandbox_clock: bool = False
    """1: the sandbox's chat page can move the clock forward, so that tomorrow's reminders come now.
    Empty: 1 with the sandbox's Telegram. Refused together with TELEGRAM_TOKEN."""

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises ConfigurationError with all invalid variables."""
        try:
            return cls()
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            raise ConfigurationError("; ".join(map(_format_error, errors))) from error

    @property
    def secrets(self) -> frozenset[str]:
        """Values that no log may show: SecretStr fields, and passwords in URLs."""
        values = [value for _, value in self]
        secrets = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
        texts = [*secrets, *(value for value in values if isinstance(value, str))]
        passwords = {match[1] for text in texts if (match := _URL_PASSWORD_PATTERN.search(text))}
        return frozenset(secrets | passwords | set(map(unquote, passwords)))


class RedisSettings(ServiceSettings):
    """The connection to Redis, and the names of the queues."""

    redis_host: str = "127.0.0.1"
    """The host of your own Redis (7.2 or newer) or Valkey. It must run with appendonly yes,
    appendfsync always and maxmemory-policy noeviction. Empty: manage.py starts a server."""
    redis_port: int = 6379
    """Empty: 6379 for your own server, 6389 for the one that manage.py starts."""
    redis_db: int = 0
    """The number of the Redis database."""
    redis_password: SecretStr | None = None
    """The password of Redis. Empty with REDIS_HOST set: your server has no password."""
    redis_queue_to_secretary: str = "queue:to_secretary"
    """The stream of messages to the assistant."""
    redis_queue_to_telegram: str = "queue:to_telegram"
    """The stream of messages to the bot."""


class LocaleSettings(ServiceSettings):
    """Language and time zone of users who have not chosen any."""

    default_language: Language = "en"
    """The language (en or ru) of users who have chosen none and use Telegram in another one."""
    default_timezone: TimeZoneName = "UTC"
    """The IANA time zone of users who have not chosen one, for example Europe/Berlin."""


class StateSettings(ServiceSettings):
    """The folder in which a service stores files."""

    state_dir: Path = Path(".local")
    """The folder of databases, logs and run-time state. Each suite needs its own."""
