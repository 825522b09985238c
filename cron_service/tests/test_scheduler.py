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
from cron_service.app.scheduler import Pace, Scheduler
from smart_kit.errors import UpstreamUnavailable

SECONDS = 60.0
NEVER = timedelta(hours=1)
CALM = Pace(
    each=NEVER,
    longest_silence=NEVER,
    first_backoff=NEVER,
    longest_backoff=NEVER,
)
"""Nothing happens by itself."""

AWAY = UpstreamUnavailable("rest_service: connection refused")
SOON = timedelta(seconds=0.05)


class Dispatch:
    """Answers in the given order, the last one for ever."""

    def __init__(self, *answers: timedelta | Exception | None) -> None:
        self.calls = 0
        self.running = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._answers = list(answers) or [None]

    async def __call__(self) -> timedelta | None:
        self.calls += 1
        self.running += 1
        assert self.running == 1, "two claims at a time"
        await self.may_end.wait()
        self.running -= 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def running(scheduler: Scheduler) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, SECONDS)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def settled() -> None:
    """Let everything happen that is to happen by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_there_is_one_claim_at_the_start() -> None:
    dispatch = Dispatch()
    async with running(Scheduler(dispatch, CALM)):
        await settled()

        assert dispatch.calls == 1


async def test_there_is_a_claim_at_the_time_the_last_one_told() -> None:
    dispatch = Dispatch(SOON, None)
    async with running(Scheduler(dispatch, CALM)):
        started = time.monotonic()
        await eventually(lambda: dispatch.calls == 2)

        assert time.monotonic() - started > 0.04


async def test_a_sooner_time_replaces_a_later_one() -> None:
    dispatch = Dispatch(timedelta(minutes=30), SOON, None)
    scheduler = Scheduler(dispatch, CALM)
    async with running(scheduler):
        await eventually(lambda: dispatch.calls == 1)
        scheduler.ring()
        await eventually(lambda: dispatch.calls == 3)


async def test_an_alarm_that_comes_late_still_rings() -> None:
    """APScheduler's default drops what is late by more than a second."""
    dispatch = Dispatch(SOON, None)
    async with running(Scheduler(dispatch, CALM)):
        await eventually(lambda: dispatch.calls == 1)
        await asyncio.sleep(0.01)
        time.sleep(1.2)  # noqa: ASYNC251 # the whole process stands still
        await eventually(lambda: dispatch.calls == 2)


async def test_there_is_a_claim_each_minute_whatever_the_last_one_told() -> None:
    dispatch = Dispatch(timedelta(days=100_000))
    async with running(Scheduler(dispatch, replace(CALM, each=SOON))):
        await eventually(lambda: dispatch.calls >= 3)


async def test_there_is_a_claim_in_real_time_where_the_alarms_stay_silent() -> None:
    dispatch = Dispatch()
    async with running(Scheduler(dispatch, replace(CALM, longest_silence=SOON))):
        await eventually(lambda: dispatch.calls >= 3)


async def test_rings_during_a_claim_lead_to_one_more_claim() -> None:
    dispatch = Dispatch()
    scheduler = Scheduler(dispatch, CALM)
    dispatch.may_end.clear()
    async with running(scheduler):
        await eventually(lambda: dispatch.calls == 1)
        for _ in range(10):
            scheduler.ring()
            await asyncio.sleep(0)
        dispatch.may_end.set()
        await settled()

        assert dispatch.calls == 2


async def test_no_time_at_all_means_at_once() -> None:
    dispatch = Dispatch(timedelta(), timedelta(), None)
    async with running(Scheduler(dispatch, CALM)):
        await settled()

        assert dispatch.calls == 3


async def test_an_outage_is_told_once_and_outlived() -> None:
    briefly = timedelta(seconds=0.01)
    dispatch = Dispatch(*[AWAY] * 5, None, AWAY, None)
    pace = replace(CALM, first_backoff=briefly, longest_backoff=2 * briefly)
    scheduler = Scheduler(dispatch, pace)
    with structlog.testing.capture_logs() as lines:
        async with running(scheduler):
            await eventually(lambda: dispatch.calls == 6)
            await settled()
            scheduler.ring()
            await eventually(lambda: dispatch.calls == 8)

    assert [line["event"] for line in lines] == ["claims do not work yet", "claims work again"] * 2
    assert {line["log_level"] for line in lines} == {"info"}, "rest_service may only be starting"
    assert lines[0]["reason"] == AWAY.message


@pytest.mark.parametrize(
    "error",
    [AWAY, RedisError("away"), ValidationError.from_exception_data("BotIdentity", [])],
    ids=["rest_service", "redis", "not understood"],
)
async def test_whatever_the_others_do_does_not_end_it(error: Exception) -> None:
    dispatch = Dispatch(error, None)
    async with running(Scheduler(dispatch, replace(CALM, first_backoff=SOON))):
        await eventually(lambda: dispatch.calls == 2)


async def test_an_outage_that_lasts_is_warned_of_once() -> None:
    briefly = timedelta(seconds=0.01)
    dispatch = Dispatch(*[AWAY] * 9, None)
    pace = replace(CALM, first_backoff=briefly, longest_backoff=briefly, patience=2 * briefly)
    with structlog.testing.capture_logs() as lines:
        async with running(Scheduler(dispatch, pace)):
            await eventually(lambda: dispatch.calls == 10)

    assert [line["log_level"] for line in lines] == ["info", "warning", "info"]
    assert lines[1]["reason"] == AWAY.message


async def test_a_claim_that_is_running_at_a_stop_is_finished() -> None:
    dispatch = Dispatch()
    dispatch.may_end.clear()
    async with running(Scheduler(dispatch, CALM)) as stop:
        await eventually(lambda: dispatch.calls == 1)
        stop.set()
        await settled()
        dispatch.may_end.set()

    assert (dispatch.calls, dispatch.running) == (1, 0)


async def test_before_the_first_good_claim_health_says_why_there_is_none() -> None:
    scheduler = Scheduler(Dispatch(AWAY), CALM)
    assert scheduler.problem() == "no claim yet (starting)"
    async with running(scheduler):
        await settled()

        assert scheduler.problem() == f"no claim yet ({AWAY.message})"


async def test_one_failure_after_a_good_claim_is_no_illness() -> None:
    dispatch = Dispatch(None, AWAY)
    scheduler = Scheduler(dispatch, replace(CALM, unhealthy=NEVER))
    async with running(scheduler):
        await settled()
        scheduler.ring()
        await settled()

        assert dispatch.calls == 2
        assert scheduler.problem() is None


async def test_a_good_claim_long_ago_is_an_illness_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(scheduler_module, "time", SimpleNamespace(monotonic=lambda: now))
    scheduler = Scheduler(Dispatch(None, AWAY), replace(CALM, unhealthy=timedelta(seconds=90)))
    async with running(scheduler):
        await settled()
        scheduler.ring()
        await settled()

        now += 89.0
        assert scheduler.problem() is None
        now += 1.0
        assert scheduler.problem() == f"the last good claim was 90 s ago ({AWAY.message})"
