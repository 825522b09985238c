"""Settings of google_calendar_service."""

from pydantic import Field, SecretStr

from smart_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The port, the token of the callers, and the OAuth client of a Google project."""

    google_calendar_service_port: int = Field(8001, ge=1, le=65535)
    service_api_token: SecretStr = Field(min_length=16)
    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    google_redirect_uri: str | None = None
    google_api_url: str | None = None
    """Another server with Google's API; None: Google."""
    public_url: str | None = None
    """URL under which browsers reach this machine from outside; None: they cannot."""

    @property
    def is_google_configured(self) -> bool:
        """Whether an OAuth client is configured."""
        return bool(self.google_client_id and self.google_client_secret)
