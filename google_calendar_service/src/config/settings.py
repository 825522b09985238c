"""Settings of google_calendar_service."""

from pydantic import Field, SecretStr

from smart_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The port, the token of the callers, and the OAuth client of a Google project."""

    google_calendar_service_port: int = Field(8001, ge=1, le=65535)
    """The port of google_calendar_service."""
    service_api_token: SecretStr = Field(min_length=16)
    """The token by which the services identify themselves to each other."""
    google_client_id: str | None = None
    """The id of an OAuth client of your own Google project."""
    google_client_secret: SecretStr | None = None
    """The secret of that OAuth client."""
    google_redirect_uri: str | None = None
    """The redirect URI that is registered for that OAuth client."""
    google_api_url: str | None = None
    """Another server with Google's API, for tests. Empty: Google."""
    public_url: str | None = None
    """The URL under which users' browsers and Telegram reach this machine. Empty: the machine is
    not reachable from outside."""

    @property
    def is_google_configured(self) -> bool:
        """Whether an OAuth client is configured."""
        return bool(self.google_client_id and self.google_client_secret)
