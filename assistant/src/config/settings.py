"""Settings of the assistant, from the environment."""

from decimal import Decimal

from pydantic import Field

from smart_kit.rest_client import RestClientSettings
from smart_kit.settings import LocaleSettings, RedisSettings
from smart_kit.urls import HttpUrl
from smart_kit.vault import VaultSettings


class AssistantSettings(RedisSettings, RestClientSettings, LocaleSettings, VaultSettings):
    """Settings of one replica. Models are not among them: they are records of rest_service."""

    assistant_port: int = 8002
    """The port of /health and /metrics of assistant."""
    assistant_slots: int = Field(1024, ge=1)
    """How many messages one assistant process handles at the same time. Most of them wait for a
    model and need no CPU, so the limit protects memory: about 40 kB each with a short history, and
    90 kB with 32,000 characters of it."""
    weather_api_url: HttpUrl | None = None
    """A server with Open-Meteo's paths /v1/search (places) and /v1/forecast. Empty: Open-Meteo
    (free for non-commercial use), or the sandbox's weather if Telegram is the sandbox's."""
    rest_tool_private_hosts: str = ""
    """Private servers that tools of type rest may call: host or host:port, separated by commas."""
    max_context_messages: int = Field(20, ge=2)
    """The maximum number of earlier messages that a model receives."""
    max_context_length: int = Field(32_000, ge=1_000)
    """The maximum length of these messages, in characters of JSON (about four for each token)."""

    scheduled_budget_share: Decimal = Field(Decimal("0.5"), ge=0, le=1)
    """The part of a user's daily budget that scheduled requests may use: 0.5 is half of it."""

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """The hosts of `rest_tool_private_hosts`."""
        named = (host.strip() for host in self.rest_tool_private_hosts.split(","))
        return tuple(host for host in named if host)
