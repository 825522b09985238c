"""What the assistant reads from the environment."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from smart_kit.settings import LocaleSettings, RedisSettings, RestClientSettings

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")]


class AssistantSettings(RedisSettings, RestClientSettings, LocaleSettings):
    """The settings of one replica."""

    assistant_port: int = 8002
    assistant_slots: int = Field(32, ge=1)
    """How many messages are in work at a time."""
    openai_api_key: SecretStr | None = None
    openai_base_url: HttpUrl | None = None
    """A compatible server; None: OpenAI's own."""
    default_model: str = "gpt-6-luna"
    """For assistants that name none."""
    fallback_model: str | None = None
    """Asked where the assistant's own model fails."""
    weather_api_url: HttpUrl | None = None
    """A server with Open-Meteo's /v1/search and /v1/forecast; None: Open-Meteo's own two."""
    max_context_messages: int = Field(20, ge=2)
    max_context_length: int = Field(32_000, ge=1_000)
    """In characters of JSON: about 8,000 tokens."""
