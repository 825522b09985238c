"""google_calendar_service: people's Google calendars, for the other services."""

from typing import Any

from fastapi import FastAPI

from smart_kit.api import add_error_handlers, add_health, uvicorn_loop
from smart_kit.health import Health
from smart_kit.service import launch, load_settings, run_loops
from smart_kit.version import get_version

from .api.routes import ROUTERS
from .config.settings import Settings

SERVICE = "google_calendar_service"

NOT_CONFIGURED_DESCRIPTION = """
People's Google calendars, for the other services of Smart Assistant.

**It is not set up here** until `.env` names an OAuth client of your Google project in
`GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`; until then every call below answers 503
`google_not_configured`, and people use the built-in calendar.
"""

NOT_IMPLEMENTED_DESCRIPTION = """
People's Google calendars, for the other services of Smart Assistant.

An OAuth client is set, but **this release cannot talk to Google yet**: every call below answers
501 `not_implemented`, and people use the built-in calendar.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application; nothing of it outlives or precedes a request."""
    app = FastAPI(
        title="Smart Assistant: Google Calendar",
        version=get_version(),
        description=NOT_IMPLEMENTED_DESCRIPTION
        if settings.is_google_configured
        else NOT_CONFIGURED_DESCRIPTION,
    )
    app.state.settings = settings
    add_error_handlers(app)
    add_health(app, Health(SERVICE))
    for router in ROUTERS:
        app.include_router(router)
    return app


async def serve(settings: Settings) -> None:
    """Run until told to stop."""
    app = create_app(settings)
    await run_loops(uvicorn_loop(app, settings.bind_host, settings.google_calendar_service_port))


def __getattr__(name: str) -> Any:
    """`uvicorn google_calendar_service.src.main:app`: only then is the environment read."""
    if name == "app":
        return create_app(load_settings(SERVICE, Settings))
    raise AttributeError(name)


if __name__ == "__main__":
    launch(SERVICE, Settings, serve)
