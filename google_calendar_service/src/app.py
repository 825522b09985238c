"""The API of google_calendar_service."""

from fastapi import FastAPI

from smart_kit.api import add_error_handlers, add_health
from smart_kit.health import Health
from smart_kit.version import get_version

from .api.routes import ROUTERS
from .config.settings import Settings

NOT_CONFIGURED_DESCRIPTION = """
Users' Google calendars, for the other services of Smart Assistant.

**Google Calendar is not configured.** Set `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET` in `.env`
to an OAuth client of your Google project. Until then every operation below answers 503
`google_not_configured`.
"""

NOT_IMPLEMENTED_DESCRIPTION = """
Users' Google calendars, for the other services of Smart Assistant.

An OAuth client is configured, but **this release does not implement Google Calendar yet**: every
operation below answers 501 `not_implemented`.
"""


def create_app(settings: Settings, health: Health) -> FastAPI:
    """Build the application."""
    app = FastAPI(
        title="Smart Assistant: Google Calendar",
        version=get_version(),
        description=NOT_IMPLEMENTED_DESCRIPTION
        if settings.is_google_configured
        else NOT_CONFIGURED_DESCRIPTION,
    )
    app.state.settings = settings
    add_error_handlers(app)
    add_health(app, health)
    for router in ROUTERS:
        app.include_router(router)
    return app
