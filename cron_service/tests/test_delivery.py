"""The whole service: reminders reach the queue at their time, despite crashes and outages."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cron_service.app.dispatcher import Dispatcher
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.app.scheduler import DEFAULT_TIMINGS, Scheduler
from cron_service.tests.fake_rest_service import TOKEN, FakeRestService
from cron_service.tests.queue_reader import (
    TIMEOUT_SECONDS,
    read_notifications,
    wait_for_notifications,
)
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, CRON_CHANNEL
from smart_kit.contracts.queue import BotIdentity
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.settings import RedisSettings
from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.ports import free_port
from smart_kit.testing.servers import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)
FAST_TIMINGS = replace(
    DEFAULT_TIMINGS,
    interval=HOUR,
    max_idle=HOUR,
    unhealthy_after=timedelta(),
    initial_backoff=timedelta(seconds=0.02),
    max_backoff=timedelta(seconds=0.05),
)
"""Disables periodic claims, so that every claim needs a wake-up."""


class ObservedScheduler(Scheduler):
    """A service that knows whether it is subscribed and whether all wake-ups are handled."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(self._observed_dispatch, FAST_TIMINGS)
        self._dispatcher = dispatcher
        self._is_claim_pending = False
        self._is_claiming = False
        self._is_listening = False

    def wake(self) -> None:
        self._is_claim_pending = True
        super().wake()

    def on_announcement(self) -> None:
        """Record the wake-up; the first one comes from the subscription itself."""
        self._is_listening = True
        self.wake()

    async def wait_until_idle(self) -> None:
        """Wait until the start is over; from then on only new events cause claims."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self._is_listening or self._is_claim_pending or self._is_claiming:
                await asyncio.sleep(0.005)

    async def _observed_dispatch(self) -> timedelta | None:
        self._is_claim_pending = False
        self._is_claiming = True
        try:
            return await self._dispatcher.dispatch()
        finally:
            self._is_claiming = False


@asynccontextmanager
async def run_scheduler(
    redis_client: RedisClient, rest_client: RestClient
) -> AsyncIterator[ObservedScheduler]:
    scheduler = ObservedScheduler(Dispatcher(rest_client, redis_client))
    stop = asyncio.Event()
    claiming = asyncio.create_task(scheduler.run(stop))
    listening = asyncio.create_task(redis_client.listen(stop, scheduler.on_announcement))
    try:
        yield scheduler
    finally:
        stop.set()
        listening.cancel()
        await asyncio.wait_for(asyncio.wait({claiming, listening}), TIMEOUT_SECONDS)


async def test_alarm_delivers_reminder_at_its_time(
    redis_client: RedisClient,
    rest_client: RestClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    rest_service.frozen_at = datetime(2031, 1, 1, 9, tzinfo=UTC)
    rest_service.add_run("stretch", in_seconds=0.05)
    async with run_scheduler(redis_client, rest_client) as scheduler:
        await scheduler.wait_until_idle()
        assert await read_notifications(redis) == []
        rest_service.frozen_at += timedelta(seconds=0.05)
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"
    assert rest_service.reported_run_ids == [message.run_id]


async def test_announcement_delivers_reminder_created_while_running(
    redis_client: RedisClient,
    rest_client: RestClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    async with run_scheduler(redis_client, rest_client) as scheduler:
        await scheduler.wait_until_idle()
        rest_service.add_run("stretch", in_seconds=0.05)
        await redis.publish(CRON_CHANNEL, "changed")
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"


async def test_due_reminder_is_delivered_after_rest_service_outage(
    redis_client: RedisClient,
    rest_client: RestClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    rest_service.unavailable_paths = {"claim"}
    rest_service.add_run("stretch")
    async with run_scheduler(redis_client, rest_client) as scheduler:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while scheduler.health_error() == "no claim yet (starting)":
                await asyncio.sleep(0.005)
        assert await read_notifications(redis) == []
        rest_service.unavailable_paths = set()
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"


async def test_redis_crash_delays_but_does_not_duplicate_reminder(
    durable_valkey: DurableValkey, rest_client: RestClient, rest_service: FakeRestService
) -> None:
    rest_service.redispatch_after = timedelta(seconds=0.1)
    commands = connect(durable_valkey.settings)
    blocking = connect_for_blocking_reads(durable_valkey.settings)
    client = RedisClient(
        commands, blocking, Mailbox(commands, "to_telegram"), Mailbox(commands, "to_secretary")
    )
    await commands.set(ACTIVE_BOT_KEY, BotIdentity(id=42, username="a_bot").model_dump_json())
    rest_service.add_run("before")
    async with run_scheduler(client, rest_client) as scheduler:
        await wait_for_notifications(commands, 1)
        durable_valkey.kill()
        rest_service.add_run("meanwhile")
        scheduler.wake()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while "Error" not in str(scheduler.health_error()):
                await asyncio.sleep(0.005)
        durable_valkey.start()
        found = await wait_for_notifications(commands, 2)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(rest_service.reported_run_ids) < 2:
                await asyncio.sleep(0.005)
    await commands.aclose()
    await blocking.aclose()

    assert [message.text for message in found] == ["before", "meanwhile"]


async def test_process_is_healthy_delivers_and_exits(
    rest_service: FakeRestService, redis: Redis, redis_settings: RedisSettings, bot: BotIdentity
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "LOG_FORMAT": "json",
        "CRON_SERVICE_PORT": str(port),
        "REST_SERVICE_URL": rest_service.url,
        "SERVICE_API_TOKEN": TOKEN,
        "REDIS_PORT": str(redis_settings.redis_port),
        "REDIS_PASSWORD": PASSWORD,
        "REDIS_QUEUE_TO_TELEGRAM": "to_telegram",
    }
    rest_service.add_run("stretch")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cron_service.app.main",
        env=bare_environment() | variables,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        (message,) = await wait_for_notifications(redis, 1)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not await asyncio.to_thread(local_http.is_healthy, f"{url}/health"):
                await asyncio.sleep(0.005)
        health = await asyncio.to_thread(local_http.get, f"{url}/health")
        metrics = await asyncio.to_thread(local_http.get, f"{url}/metrics")
        process.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.wait_for(process.communicate(), TIMEOUT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert health.json()["checks"] == {"claims": "ok"}
    assert rest_service.reported_run_ids == [message.run_id]
    assert 'smart_assistant_cron_dispatched_total{type="reminder"} 1.0' in metrics.text
    assert process.returncode == 0
    assert message.correlation_id in stderr.decode()
