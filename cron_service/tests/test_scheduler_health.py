"""When the scheduler is healthy: by the most overdue job, and by the last refresh."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from cron_service.app import attempts as attempts_module
from cron_service.app import scheduler as scheduler_module
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.app.scheduler import DEFAULT_TIMINGS
from cron_service.tests.fake_rest_service import FakeRestService
from cron_service.tests.running import drain_event_loop, run_loops, wait_until
from cron_service.tests.scheduler_harness import Harness
from smart_kit.clock import Clock
from smart_kit.contracts.keys import ACTIVE_BOT_KEY
from smart_kit.contracts.queue import BotIdentity
from smart_kit.errors import UpstreamUnavailable
from smart_kit.redis import Redis

UNAVAILABLE = UpstreamUnavailable("rest_service: connection refused")


class StoppedClock(Clock):
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self._started_at = datetime.now(UTC)

    def now(self, zone: object = None) -> datetime:
        return self._started_at + self.offset


@pytest.fixture
def harness(rest_client: RestClient, redis_client: RedisClient, bot: BotIdentity) -> Harness:
    return Harness(rest_client, redis_client)


async def test_jobs_that_could_not_be_read_yet_are_unhealthy(
    harness: Harness, rest_service: FakeRestService
) -> None:
    scheduler = harness.scheduler
    assert scheduler.health_error() == "the jobs could not be read yet (starting)"
    rest_service.unavailable_paths = {"cron-jobs"}
    async with run_loops(scheduler.start_scheduler):
        await wait_until(lambda: scheduler.failure_count > 0)
        assert scheduler.health_error() == "the jobs could not be read yet (rest_service: away)"
        rest_service.unavailable_paths = set()
        await scheduler.refresh()

        assert scheduler.health_error() is None
        assert scheduler.health_note() == ""


async def test_job_that_is_over_thirty_seconds_late_is_unhealthy(
    harness: Harness, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, clock = harness.scheduler, StoppedClock()
    monkeypatch.setattr(scheduler, "_clock", clock)
    harness.dispatch.error = UNAVAILABLE
    rest_service.add_run("stretch", scheduled_for=clock.now())
    async with harness.run():
        await wait_until(lambda: len(scheduler.executed) == 1)
        clock.offset = timedelta(seconds=30)
        assert scheduler.health_error() is None
        clock.offset = timedelta(seconds=31)
        assert scheduler.compute_overdue_seconds() == 31
        reason = "(rest_service: connection refused)"
        assert scheduler.health_error() == f"the most overdue job is 31 s late {reason}"

        harness.dispatch.error = None
        harness.claims.request()
        await wait_until(lambda: scheduler.health_error() is None)
        assert scheduler.compute_overdue_seconds() == 0


async def test_job_that_claims_do_not_return_is_unhealthy(
    harness: Harness, rest_service: FakeRestService
) -> None:
    """For example because a claim that hangs in Postgres has locked it."""
    async with harness.run() as scheduler:
        await wait_until(lambda: harness.due_jobs.claimed_at is not None)
        rest_service.add_run("stretch", in_seconds=-60)
        await scheduler.refresh()
        assert scheduler.compute_overdue_seconds() >= 60
        assert "s late (claims succeed, but none returns it)" in str(scheduler.health_error())

        rest_service.claim()
        await scheduler.refresh()
        assert scheduler.health_error() is None


@pytest.mark.clock("virtual")
async def test_stuck_job_is_looked_for_every_five_seconds(
    rest_client: RestClient,
    redis_client: RedisClient,
    rest_service: FakeRestService,
    bot: BotIdentity,
) -> None:
    harness = Harness(rest_client, redis_client, replace(DEFAULT_TIMINGS, pause_factor=0))
    async with harness.run() as scheduler:
        await asyncio.sleep(1)
        rest_service.add_run("stretch", in_seconds=-60)
        await scheduler.refresh()
        rest_service.claim()
        await asyncio.sleep(4)
        assert scheduler.compute_overdue_seconds() > 0
        await asyncio.sleep(2)
        assert scheduler.compute_overdue_seconds() == 0
        count = scheduler.refresh_count
        await asyncio.sleep(50)
        assert scheduler.refresh_count == count


@pytest.mark.clock("virtual")
async def test_bot_is_looked_for_every_five_seconds(
    rest_client: RestClient, redis_client: RedisClient, redis: Redis
) -> None:
    harness = Harness(rest_client, redis_client, replace(DEFAULT_TIMINGS, pause_factor=0))
    async with harness.run() as scheduler:
        await asyncio.sleep(1)
        await redis.set(ACTIVE_BOT_KEY, BotIdentity(id=42, username="a_bot").model_dump_json())
        await asyncio.sleep(5)

        assert scheduler.health_note() == ""


async def test_jobs_that_were_read_long_ago_are_unhealthy(
    harness: Harness, rest_service: FakeRestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    for module in (attempts_module, scheduler_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    async with harness.run() as scheduler:
        rest_service.unavailable_paths = {"cron-jobs"}
        scheduler.request_refresh()
        await wait_until(lambda: scheduler.failure_count > 0)
        now += 89.0
        assert scheduler.health_error() is None
        now += 1.0

        assert scheduler.health_error() == "the jobs were last read 90 s ago (rest_service: away)"


@pytest.mark.clock("virtual")
async def test_refresh_that_hangs_fails(
    rest_client: RestClient,
    redis_client: RedisClient,
    bot: BotIdentity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hang() -> int:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(redis_client, "get_bot_id", hang)
    scheduler = Harness(rest_client, redis_client).scheduler
    async with run_loops(scheduler.start_scheduler):
        await wait_until(lambda: scheduler.failure_count > 0)
        await drain_event_loop()

        assert scheduler.health_error() == "the jobs could not be read yet (no list within 15 s)"
