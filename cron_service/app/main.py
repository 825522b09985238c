"""cron_service: enqueues reminders and scheduled prompts at their time."""

import asyncio

from smart_kit.health import Health
from smart_kit.health_app import HealthApp, load_metrics_app
from smart_kit.mailbox import Mailbox
from smart_kit.redis import connect, connect_for_blocking_reads
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from smart_kit.service import launch, run_loops
from smart_kit.uvicorn_server import build_uvicorn_server

from .config import Settings
from .dispatcher import Dispatcher
from .redis_client import RedisClient
from .rest_client import RestClient
from .scheduler import Scheduler

SERVICE = "cron_service"


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    commands, blocking = connect(settings), connect_for_blocking_reads(settings)
    rest = RestClient(settings, Httpx2Transport(settings.rest_service_url))
    redis = RedisClient(
        commands,
        blocking,
        to_telegram=Mailbox(commands, settings.redis_queue_to_telegram),
        to_secretary=Mailbox(commands, settings.redis_queue_to_secretary),
    )
    scheduler = Scheduler(Dispatcher(rest, redis).dispatch)
    health = Health(SERVICE)
    health.add_check("claims", scheduler.health_error)

    async def listen(stop: asyncio.Event) -> None:
        await redis.listen(stop, scheduler.wake)

    try:
        await run_loops(
            build_uvicorn_server(
                HealthApp(health, load_metrics_app), settings.bind_host, settings.cron_service_port
            ),
            scheduler.run,
            listen,
        )
    finally:
        await rest.close()
        await commands.aclose()
        await blocking.aclose()


if __name__ == "__main__":
    launch(SERVICE, Settings, serve)
