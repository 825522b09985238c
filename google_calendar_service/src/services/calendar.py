"""The reason why Google Calendar is not available."""

from starlette.exceptions import HTTPException

from smart_kit.errors import DomainError

from ..config.settings import Settings

_NOT_IMPLEMENTED = "Google Calendar is configured, but this release does not implement it yet."


class GoogleNotConfigured(DomainError):
    """Google Calendar is not configured: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET in .env."""

    status_code = 503


def build_unavailable_error(settings: Settings) -> Exception:
    """Return the error that every operation raises."""
    if settings.is_google_configured:
        return HTTPException(501, _NOT_IMPLEMENTED)
    return GoogleNotConfigured()
