"""google_calendar_service: access to users' Google calendars for the other services."""

from functools import partial

from smart_kit.health import Health
from smart_kit.health_app import AsgiApp, HealthApp
from smart_kit.service import launch, load_settings, run_loops
from smart_kit.uvicorn_server import build_uvicorn_server

from .config.settings import Settings

SERVICE = "google_calendar_service"


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    app = build_app(settings)
    await run_loops(
        build_uvicorn_server(app, settings.bind_host, settings.google_calendar_service_port)
    )


def build_app(settings: Settings) -> HealthApp:
    """Return the application. Its API is loaded by the first request to it."""
    health = Health(SERVICE)
    return HealthApp(health, partial(_load_api, settings, health))


def _load_api(settings: Settings, health: Health) -> AsgiApp:
    from .app import create_app  # not at the top: FastAPI takes as much memory as all the rest

    return create_app(settings, health)


def __getattr__(name: str) -> AsgiApp:
    """Build `app` for uvicorn; importing the module alone reads no settings."""
    if name == "app":
        return build_app(load_settings(SERVICE, Settings))
    raise AttributeError(name)


if __name__ == "__main__":
    launch(SERVICE, Settings, serve)
