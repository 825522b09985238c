"""What google_calendar_service reads from its environment."""

from pydantic import Field, SecretStr

from smart_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where the service listens, who may call it, and the OAuth client of one's Google project."""

    google_calendar_service_port: int = Field(8001, ge=1, le=65535)
    service_api_token: SecretStr = Field(min_length=16)
    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    google_redirect_uri: str | None = None
    google_api_url: str | None = None
    """Another server that speaks Google's API; None: Google."""
    public_url: str | None = None
    """The address under which people's browsers reach this machine; None: this machine only."""

    @property
    def is_google_configured(self) -> bool:
        """Whether there is an OAuth client to ask people's consent with."""
        return bool(self.google_client_id and self.google_client_secret)
