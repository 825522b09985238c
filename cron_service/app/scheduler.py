"""Decides when to claim: at the start, when a run is due, every minute, and after changes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.backoff import Backoff
from smart_kit.errors import SmartAssistantError

from .metrics import CLAIMS

Dispatch = Callable[[], Awaitable[timedelta | None]]
"""Claims and dispatches; returns the delay until the next run, or None."""

RETRYABLE_ERRORS = (SmartAssistantError, RedisError, ValidationError)
"""rest_service or Redis is unavailable, refuses the request or sends an invalid response."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class SchedulerTimings:
    """Intervals and time limits of the scheduler."""

    interval: timedelta = timedelta(minutes=1)
    max_idle: timedelta = timedelta(seconds=75)
    """Longest wait for an alarm. Alarms follow the wall clock, which may be set back."""
    warn_after: timedelta = timedelta(seconds=30)
    """Time without success before a warning; rest_service may only be starting."""
    unhealthy_after: timedelta = timedelta(seconds=90)
    initial_backoff: timedelta = timedelta(seconds=0.25)
    max_backoff: timedelta = timedelta(seconds=1)


DEFAULT_TIMINGS = SchedulerTimings()


class Scheduler:
    """Runs one claim at a time. Wake-ups during a claim cause one more claim."""

    def __init__(self, dispatch: Dispatch, timings: SchedulerTimings = DEFAULT_TIMINGS) -> None:
        self._dispatch = dispatch
        self._timings = timings
        self._wake_event = asyncio.Event()
        self._backoff = Backoff(
            timings.initial_backoff.total_seconds(), timings.max_backoff.total_seconds()
        )
        self._last_error = "starting"
        self._last_success_at: float | None = None
        self._failing_since = 0.0
        self._has_warned = False
        self._alarm_scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None}
        )
        self._alarm_scheduler.add_job(
            self._on_alarm, "interval", seconds=timings.interval.total_seconds()
        )

    def wake(self) -> None:
        """Claim now, or again after the running claim."""
        self._wake_event.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim until `stop`. A running claim is finished."""
        self._alarm_scheduler.start()
        self.wake()
        stopping = asyncio.create_task(self._wake_on_stop(stop))
        try:
            while await self._wait_until_due(stop):
                self._schedule_wake(await self._claim())
        finally:
            stopping.cancel()
            self._alarm_scheduler.shutdown(wait=False)

    def health_error(self) -> str | None:
        """Return the error for `/health`, or None."""
        if self._last_success_at is None:
            return f"no claim yet ({self._last_error})"
        idle_seconds = time.monotonic() - self._last_success_at
        if idle_seconds < self._timings.unhealthy_after.total_seconds():
            return None
        return f"the last good claim was {idle_seconds:.0f} s ago ({self._last_error})"

    async def _wait_until_due(self, stop: asyncio.Event) -> bool:
        await sleep_until_stopped(self._wake_event, self._timings.max_idle.total_seconds())
        self._wake_event.clear()
        return not stop.is_set()

    async def _claim(self) -> timedelta:
        try:
            next_delay = await self._dispatch()
        except RETRYABLE_ERRORS as error:
            return self._record_failure(str(error).partition("\n")[0])
        self._record_success()
        return self._timings.interval if next_delay is None else next_delay

    def _record_success(self) -> None:
        CLAIMS.labels("ok").inc()
        self._last_success_at = time.monotonic()
        if self._backoff.failures:
            log.info("claims recovered", failures=self._backoff.failures)
        self._backoff.reset()
        self._has_warned = False

    def _record_failure(self, reason: str) -> timedelta:
        CLAIMS.labels("failed").inc()
        self._last_error = reason
        self._log_failure()
        return timedelta(seconds=self._backoff.next_delay())

    def _log_failure(self) -> None:
        """Log the first failure, and one warning if failures last."""
        if self._backoff.failures == 0:
            self._failing_since = time.monotonic()
            log.info("claim failed", reason=self._last_error)
        failing_for = timedelta(seconds=time.monotonic() - self._failing_since)
        if failing_for > self._timings.warn_after and not self._has_warned:
            log.warning("claims still failing", reason=self._last_error)
            self._has_warned = True

    def _schedule_wake(self, delay: timedelta) -> None:
        if delay <= timedelta():
            self.wake()
        elif delay < self._timings.interval:
            at = datetime.now(UTC) + delay
            self._alarm_scheduler.add_job(
                self._on_alarm, "date", run_date=at, id="next claim", replace_existing=True
            )

    async def _on_alarm(self) -> None:
        """A coroutine, because APScheduler runs plain functions in threads."""
        self.wake()

    async def _wake_on_stop(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()
