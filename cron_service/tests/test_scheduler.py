"""When claims are made."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from cron_service.app import scheduler as scheduler_module
from cron_service.app.scheduler import Scheduler, SchedulerTimings
from smart_kit.errors import UpstreamUnavailable

TIMEOUT_SECONDS = 60.0
NEVER = timedelta(hours=1)
IDLE_TIMINGS = SchedulerTimings(
    interval=NEVER,
    max_idle=NEVER,
    initial_backoff=NEVER,
    max_backoff=NEVER,
)
"""No claim without a wake-up."""

UNAVAILABLE = UpstreamUnavailable("rest_service: connection refused")
SOON = timedelta(seconds=0.05)


class FakeDispatch:
    """Returns the given results in order, then always the last one."""

    def __init__(self, *results: timedelta | Exception | None) -> None:
        self.calls = 0
        self.active_calls = 0
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self._results = list(results) or [None]

    async def __call__(self) -> timedelta | None:
        self.calls += 1
        self.active_calls += 1
        assert self.active_calls == 1, "two claims at a time"
        await self.may_finish.wait()
        self.active_calls -= 1
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if isinstance(result, Exception):
            raise result
        return result


@asynccontextmanager
async def run_scheduler(scheduler: Scheduler) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_SECONDS)


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def drain_event_loop() -> None:
    """Let all pending callbacks run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_scheduler_claims_once_at_start() -> None:
    dispatch = FakeDispatch()
    async with run_scheduler(Scheduler(dispatch, IDLE_TIMINGS)):
        await drain_event_loop()

        assert dispatch.calls == 1


async def test_scheduler_claims_after_the_returned_delay() -> None:
    dispatch = FakeDispatch(SOON, None)
    async with run_scheduler(Scheduler(dispatch, IDLE_TIMINGS)):
        started = time.monotonic()
        await wait_until(lambda: dispatch.calls == 2)

        assert time.monotonic() - started > 0.04


async def test_a_sooner_time_replaces_a_later_one() -> None:
    dispatch = FakeDispatch(timedelta(minutes=30), SOON, None)
    scheduler = Scheduler(dispatch, IDLE_TIMINGS)
    async with run_scheduler(scheduler):
        await wait_until(lambda: dispatch.calls == 1)
        scheduler.wake()
        await wait_until(lambda: dispatch.calls == 3)


async def test_late_alarm_still_causes_a_claim() -> None:
    """By default APScheduler drops alarms that are late by more than a second."""
    dispatch = FakeDispatch(SOON, None)
    async with run_scheduler(Scheduler(dispatch, IDLE_TIMINGS)):
        await wait_until(lambda: dispatch.calls == 1)
        await asyncio.sleep(0.01)
        time.sleep(1.2)  # noqa: ASYNC251 # the whole process stands still
        await wait_until(lambda: dispatch.calls == 2)


async def test_scheduler_claims_at_each_interval_despite_longer_delay() -> None:
    dispatch = FakeDispatch(timedelta(days=100_000))
    async with run_scheduler(Scheduler(dispatch, replace(IDLE_TIMINGS, interval=SOON))):
        await wait_until(lambda: dispatch.calls >= 3)


async def test_scheduler_claims_after_max_idle_without_alarms() -> None:
    dispatch = FakeDispatch()
    async with run_scheduler(Scheduler(dispatch, replace(IDLE_TIMINGS, max_idle=SOON))):
        await wait_until(lambda: dispatch.calls >= 3)


async def test_wake_ups_during_a_claim_cause_one_more() -> None:
    dispatch = FakeDispatch()
    scheduler = Scheduler(dispatch, IDLE_TIMINGS)
    dispatch.may_finish.clear()
    async with run_scheduler(scheduler):
        await wait_until(lambda: dispatch.calls == 1)
        for _ in range(10):
            scheduler.wake()
            await asyncio.sleep(0)
        dispatch.may_finish.set()
        await drain_event_loop()

        assert dispatch.calls == 2


async def test_zero_delay_claims_immediately() -> None:
    dispatch = FakeDispatch(timedelta(), timedelta(), None)
    async with run_scheduler(Scheduler(dispatch, IDLE_TIMINGS)):
        await drain_event_loop()

        assert dispatch.calls == 3


async def test_outage_is_logged_once_and_survived() -> None:
    briefly = timedelta(seconds=0.01)
    dispatch = FakeDispatch(*[UNAVAILABLE] * 5, None, UNAVAILABLE, None)
    timings = replace(IDLE_TIMINGS, initial_backoff=briefly, max_backoff=2 * briefly)
    scheduler = Scheduler(dispatch, timings)
    with structlog.testing.capture_logs() as lines:
        async with run_scheduler(scheduler):
            await wait_until(lambda: dispatch.calls == 6)
            await drain_event_loop()
            scheduler.wake()
            await wait_until(lambda: dispatch.calls == 8)

    assert [line["event"] for line in lines] == ["claim failed", "claims recovered"] * 2
    assert {line["log_level"] for line in lines} == {"info"}, "rest_service may only be starting"
    assert lines[0]["reason"] == UNAVAILABLE.message


@pytest.mark.parametrize(
    "error",
    [UNAVAILABLE, RedisError("away"), ValidationError.from_exception_data("BotIdentity", [])],
    ids=["rest_service", "redis", "not understood"],
)
async def test_dependency_errors_do_not_stop_the_scheduler(error: Exception) -> None:
    dispatch = FakeDispatch(error, None)
    async with run_scheduler(Scheduler(dispatch, replace(IDLE_TIMINGS, initial_backoff=SOON))):
        await wait_until(lambda: dispatch.calls == 2)


async def test_long_outage_is_warned_about_once() -> None:
    briefly = timedelta(seconds=0.01)
    dispatch = FakeDispatch(*[UNAVAILABLE] * 9, None)
    timings = replace(
        IDLE_TIMINGS, initial_backoff=briefly, max_backoff=briefly, warn_after=2 * briefly
    )
    with structlog.testing.capture_logs() as lines:
        async with run_scheduler(Scheduler(dispatch, timings)):
            await wait_until(lambda: dispatch.calls == 10)

    assert [line["log_level"] for line in lines] == ["info", "warning", "info"]
    assert lines[1]["reason"] == UNAVAILABLE.message


async def test_running_claim_is_finished_on_stop() -> None:
    dispatch = FakeDispatch()
    dispatch.may_finish.clear()
    async with run_scheduler(Scheduler(dispatch, IDLE_TIMINGS)) as stop:
        await wait_until(lambda: dispatch.calls == 1)
        stop.set()
        await drain_event_loop()
        dispatch.may_finish.set()

    assert (dispatch.calls, dispatch.active_calls) == (1, 0)


async def test_health_names_reason_before_first_successful_claim() -> None:
    scheduler = Scheduler(FakeDispatch(UNAVAILABLE), IDLE_TIMINGS)
    assert scheduler.health_error() == "no claim yet (starting)"
    async with run_scheduler(scheduler):
        await drain_event_loop()

        assert scheduler.health_error() == f"no claim yet ({UNAVAILABLE.message})"


async def test_single_failure_after_successful_claim_stays_healthy() -> None:
    dispatch = FakeDispatch(None, UNAVAILABLE)
    scheduler = Scheduler(dispatch, replace(IDLE_TIMINGS, unhealthy_after=NEVER))
    async with run_scheduler(scheduler):
        await drain_event_loop()
        scheduler.wake()
        await drain_event_loop()

        assert dispatch.calls == 2
        assert scheduler.health_error() is None


async def test_health_fails_when_last_successful_claim_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(scheduler_module, "time", SimpleNamespace(monotonic=lambda: now))
    scheduler = Scheduler(
        FakeDispatch(None, UNAVAILABLE),
        replace(IDLE_TIMINGS, unhealthy_after=timedelta(seconds=90)),
    )
    async with run_scheduler(scheduler):
        await drain_event_loop()
        scheduler.wake()
        await drain_event_loop()

        now += 89.0
        assert scheduler.health_error() is None
        now += 1.0
        assert (
            scheduler.health_error() == f"the last good claim was 90 s ago ({UNAVAILABLE.message})"
        )
