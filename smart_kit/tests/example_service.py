"""A minimal service on smart_kit, which test_service.py runs as a process."""

import asyncio
from typing import Literal

import structlog
from pydantic import SecretStr

from smart_kit.health import Health
from smart_kit.service import build_aiohttp_server, build_health_app, launch, run_loops
from smart_kit.settings import ServiceSettings

log = structlog.stdlib.get_logger()


class ExampleSettings(ServiceSettings):
    """The port, and the behaviour of the loop."""

    example_port: int
    example_secret: SecretStr = SecretStr("nothing of worth")
    example_loop: Literal["steady", "failing", "ending"] = "steady"


async def serve(settings: ExampleSettings) -> None:
    """Run until SIGTERM."""

    async def run_loop(stop: asyncio.Event) -> None:
        if settings.example_loop == "failing":
            secret = settings.example_secret.get_secret_value()
            raise RuntimeError(f"http://user:password@host and {secret} are no good")
        if settings.example_loop == "steady":
            await stop.wait()
            log.info("put away")

    app = build_health_app(Health("example"))
    await run_loops(build_aiohttp_server(app, settings.bind_host, settings.example_port), run_loop)


if __name__ == "__main__":
    launch("example", ExampleSettings, serve)
