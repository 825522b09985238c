"""All loops together: reminders reach the queue at their time, despite crashes and outages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cron_service.app.claims import Claims, ClaimTimings
from cron_service.app.dispatcher import Dispatcher
from cron_service.app.due_jobs import DueJobs
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.app.scheduler import DEFAULT_TIMINGS, Scheduler
from cron_service.tests.fake_rest_service import FakeRestService
from cron_service.tests.queue_reader import read_notifications, wait_for_notifications
from cron_service.tests.running import run_loops, wait_until
from smart_kit.clock import Clock
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, CRON_CHANNEL
from smart_kit.contracts.queue import BotIdentity
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.testing.durable_valkey import DurableValkey

HOUR = 3600.0
TIMINGS = replace(
    DEFAULT_TIMINGS,
    interval=HOUR,
    recheck_interval=HOUR,
    initial_backoff=0.02,
    max_backoff=0.05,
    min_interval=0.02,
)
CLAIM_TIMINGS = ClaimTimings(
    min_interval=0.02, max_interval=HOUR, initial_backoff=0.02, max_backoff=0.05
)
"""Disable periodic refreshes and claims, so that each needs a reason."""


class Replica:
    """The loops of a cron_service."""

    def __init__(self, rest: RestClient, redis: RedisClient, clock: Clock | None = None) -> None:
        self.claims = Claims(Dispatcher(rest, redis).dispatch, DueJobs(), CLAIM_TIMINGS)
        self.scheduler = Scheduler(rest, redis, self.claims, clock or Clock(), timings=TIMINGS)
        self.is_listening = False
        self._redis = redis

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        async with run_loops(self.scheduler.start_scheduler, self.claims.run) as stop:
            listening = asyncio.create_task(self._redis.listen(stop, self._on_announcement))
            try:
                yield
            finally:
                listening.cancel()  # it looks for a stop only now and then

    def _on_announcement(self) -> None:
        """Record the first one, which comes from the subscription itself."""
        self.is_listening = True
        self.scheduler.request_refresh()

    async def wait_until_idle(self, rest_service: FakeRestService) -> None:
        """Wait until the start is over; from then on only new events cause refreshes and claims."""
        await wait_until(lambda: self.is_listening)
        count = -1
        while count != (count := len(rest_service.lists) + rest_service.claim_count):
            await asyncio.sleep(5 * CLAIM_TIMINGS.min_interval)


@pytest.fixture
def replica(rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity) -> Replica:
    return Replica(rest_client, redis_client)


async def test_reminder_of_the_list_is_delivered_at_its_time(
    replica: Replica, rest_service: FakeRestService, redis: Redis
) -> None:
    rest_service.add_run("stretch", in_seconds=0.3)
    at = rest_service.runs[0].claimed_run.scheduled_for
    async with replica.run():
        (message,) = await wait_for_notifications(redis, 1)

    assert datetime.now(UTC) >= at
    assert message.text == "stretch"
    assert rest_service.reported_run_ids == [message.run_id]


async def test_next_fire_of_a_claim_is_delivered_although_it_was_not_listed(
    replica: Replica, rest_service: FakeRestService, redis: Redis
) -> None:
    """So a host whose clock is wrong, and a list that changed between two pages, lose nothing."""
    rest_service.frozen_at = datetime(2031, 1, 1, 9, tzinfo=UTC)
    rest_service.add_run("stretch", in_seconds=0.5)
    async with replica.run():
        await wait_until(lambda: rest_service.claim_count > 0)
        assert await read_notifications(redis) == []
        rest_service.frozen_at += timedelta(seconds=0.5)
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"
    assert rest_service.list_jobs(datetime.now(UTC) + timedelta(days=1), 10, 0).items == []


async def test_announcement_delivers_reminder_created_while_running(
    replica: Replica, rest_service: FakeRestService, redis: Redis
) -> None:
    async with replica.run():
        await replica.wait_until_idle(rest_service)
        rest_service.add_run("stretch", in_seconds=0.05)
        await redis.publish(CRON_CHANNEL, "changed")
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"


@pytest.mark.parametrize("clock_ahead", [timedelta(days=-3), timedelta(days=3)], ids=str)
async def test_host_with_a_wrong_clock_delivers_at_the_time_of_postgres(
    replica: Replica, rest_service: FakeRestService, redis: Redis, clock_ahead: timedelta
) -> None:
    rest_service.clock_ahead = clock_ahead
    async with replica.run():
        await replica.wait_until_idle(rest_service)
        rest_service.add_run("stretch", in_seconds=0.3)
        at = rest_service.runs[0].claimed_run.scheduled_for
        await redis.publish(CRON_CHANNEL, "changed")
        await wait_for_notifications(redis, 1)

        assert rest_service.now() >= at
        assert rest_service.runs[0].claimed_at is not None
        assert rest_service.runs[0].claimed_at >= at
        assert replica.scheduler.health_error() is None


async def test_recurring_job_is_delivered_at_each_of_its_times(
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    """The clock stands shortly before a full minute, and is moved to shortly before the next."""
    clock = Clock()
    before_the_minute = timedelta(seconds=60.0 - 0.2 - datetime.now(UTC).timestamp() % 60)
    clock.offset = rest_service.clock_ahead = before_the_minute
    first = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    rest_service.add_run("stretch", cron="* * * * *", scheduled_for=first)
    replica = Replica(rest_client, redis_client, clock)
    async with replica.run():
        await wait_for_notifications(redis, 1)
        clock.offset = rest_service.clock_ahead = before_the_minute + timedelta(seconds=59.7)
        replica.scheduler.request_refresh()
        messages = await wait_for_notifications(redis, 2)

    assert [message.scheduled_for - first for message in messages] == [
        timedelta(),
        timedelta(minutes=1),
    ]


async def test_due_reminder_is_delivered_after_rest_service_outage(
    replica: Replica, rest_service: FakeRestService, redis: Redis
) -> None:
    rest_service.unavailable_paths = {"claim", "cron-jobs"}
    rest_service.add_run("stretch")
    async with replica.run():
        await wait_until(lambda: "rest_service: away" in str(replica.scheduler.health_error()))
        assert await read_notifications(redis) == []
        rest_service.unavailable_paths = set()
        (message,) = await wait_for_notifications(redis, 1)

    assert message.text == "stretch"


async def test_held_reminder_is_delivered_while_jobs_cannot_be_listed(
    replica: Replica, rest_service: FakeRestService, redis: Redis
) -> None:
    rest_service.add_run("stretch", in_seconds=0.5)
    async with replica.run():
        await wait_until(lambda: bool(rest_service.lists))
        rest_service.unavailable_paths = {"cron-jobs"}
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
    replica = Replica(rest_client, client)
    async with replica.run():
        await wait_for_notifications(commands, 1)
        durable_valkey.kill()
        rest_service.add_run("meanwhile")
        replica.claims.request()
        await wait_until(lambda: "Error" in replica.claims.describe_last_result())
        durable_valkey.start()
        found = await wait_for_notifications(commands, 2)
        await wait_until(lambda: len(rest_service.reported_run_ids) == 2)
    await commands.aclose()
    await blocking.aclose()

    assert [message.text for message in found] == ["before", "meanwhile"]


async def test_two_replicas_deliver_each_run_once(
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    for number in range(150):
        rest_service.add_run(str(number), in_seconds=number / 200)
    async with (
        Replica(rest_client, redis_client).run(),
        Replica(rest_client, redis_client).run(),
    ):
        await wait_until(lambda: len(rest_service.reported_run_ids) == 150)
        messages = await read_notifications(redis)

    assert sorted(int(message.text) for message in messages) == list(range(150))


async def test_surviving_replica_delivers_what_the_other_had_claimed(
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
    redis: Redis,
    bot: BotIdentity,
) -> None:
    rest_service.redispatch_after = timedelta(seconds=0.2)
    rest_service.add_run("stretch", in_seconds=0.05)
    dead, alive = Replica(rest_client, redis_client), Replica(rest_client, redis_client)
    async with dead.run():
        await wait_until(lambda: bool(rest_service.lists))
    rest_service.add_run("claimed by the dead one", in_seconds=-0.01)
    rest_service.claim()
    async with alive.run():
        messages = await wait_for_notifications(redis, 2)

    assert {message.text for message in messages} == {"stretch", "claimed by the dead one"}
