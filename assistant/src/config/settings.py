"""What the assistant reads from the environment."""

from pydantic import Field

from smart_kit.settings import LocaleSettings, RedisSettings, RestClientSettings
from smart_kit.urls import HttpUrl
from smart_kit.vault import VaultSettings


class AssistantSettings(RedisSettings, RestClientSettings, LocaleSettings, VaultSettings):
    """The settings of one replica. Which models there are is no setting: it is data."""

    assistant_port: int = 8002
    assistant_slots: int = Field(32, ge=1)
    """How many messages are in work at a time."""
    weather_api_url: HttpUrl | None = None
    """A server with Open-Meteo's /v1/search and /v1/forecast; None: Open-Meteo's own two."""
    rest_tool_private_hosts: str = ""
    """Private servers that tools of type rest may call: host or host:port, with commas."""
    max_context_messages: int = Field(20, ge=2)
    max_context_length: int = Field(32_000, ge=1_000)
    """In characters of JSON: about 8,000 tokens."""

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """Those of `rest_tool_private_hosts`."""
        named = (host.strip() for host in self.rest_tool_private_hosts.split(","))
        return tuple(host for host in named if host)
