"""cron_service: enqueues reminders and scheduled prompts at their time."""

import asyncio

from smart_kit.clock import Clock
from smart_kit.clock_follower import ClockFollower
from smart_kit.health import Health
from smart_kit.health_app import HealthApp, load_metrics_app
from smart_kit.mailbox import Mailbox
from smart_kit.redis import connect, connect_for_blocking_reads
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from smart_kit.service import launch, run_loops
from smart_kit.uvicorn_server import build_uvicorn_server

from .claims import Claims
from .config import Settings
from .dispatcher import Dispatcher
from .due_jobs import DueJobs
from .metrics import OVERDUE_SECONDS
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
    claims = Claims(Dispatcher(rest, redis).dispatch, DueJobs())
    clock = Clock()
    scheduler = Scheduler(rest, redis, claims, clock)
    health = Health(SERVICE)
    health.add_check("jobs", scheduler.health_error)
    health.add_note(scheduler.health_note)
    OVERDUE_SECONDS.set_function(scheduler.compute_overdue_seconds)

    async def listen(stop: asyncio.Event) -> None:
        await redis.listen(stop, scheduler.request_refresh)

    loops = [scheduler.start_scheduler, claims.run, listen]
    if settings.sandbox_clock:  # first, so that the others see the clock as it is
        loops.insert(0, ClockFollower(clock, commands, blocking, scheduler.request_refresh).run)
    try:
        await run_loops(
            build_uvicorn_server(
                HealthApp(health, load_metrics_app), settings.bind_host, settings.cron_service_port
            ),
            *loops,
        )
    finally:
        await rest.close()
        await commands.aclose()
        await blocking.aclose()


if __name__ == "__main__":
    launch(SERVICE, Settings, serve)
