"""Settings of the assistant, from the environment."""

from typing import Annotated

from pydantic import Field, StringConstraints

from smart_kit.settings import LocaleSettings, RedisSettings, RestClientSettings
from smart_kit.vault import VaultSettings

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")]


class AssistantSettings(RedisSettings, RestClientSettings, LocaleSettings, VaultSettings):
    """Settings of one replica. Models are not among them: they are records of rest_service."""

    assistant_port: int = 8002
    assistant_slots: int = Field(32, ge=1)
    """How many messages are processed at a time."""
    weather_api_url: HttpUrl | None = None
    """A server with Open-Meteo's /v1/search and /v1/forecast; None: Open-Meteo's own servers."""
    rest_tool_private_hosts: str = ""
    """Private servers that tools of type rest may call: host or host:port, separated by commas."""
    max_context_messages: int = Field(20, ge=2)
    max_context_length: int = Field(32_000, ge=1_000)
    """Characters of JSON; 32,000 are about 8,000 tokens."""

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """The hosts of `rest_tool_private_hosts`."""
        named = (host.strip() for host in self.rest_tool_private_hosts.split(","))
        return tuple(host for host in named if host)
