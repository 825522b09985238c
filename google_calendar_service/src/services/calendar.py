"""What stands between a request and Google Calendar."""

from starlette.exceptions import HTTPException

from smart_kit.errors import DomainError

from ..config.settings import Settings

_NOT_IMPLEMENTED = (
    "Google Calendar is set up, but this release cannot talk to Google yet;"
    " the built-in calendar goes on serving."
)


class GoogleNotConfigured(DomainError):
    """Google Calendar is not set up: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET in .env."""

    status_code = 503


def build_unavailable_error(settings: Settings) -> Exception:
    """Why no calendar of Google's can be reached."""
    if settings.is_google_configured:
        return HTTPException(501, _NOT_IMPLEMENTED)
    return GoogleNotConfigured()
