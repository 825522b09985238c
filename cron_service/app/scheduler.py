"""When to claim: at the start, at the next fire, each minute, and when told."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.errors import SmartAssistantError

from .metrics import CLAIMS

Dispatch = Callable[[], Awaitable[timedelta | None]]
"""Claims and dispatches; returns when to do so again, None where nothing is planned."""

OUTAGE = (SmartAssistantError, RedisError, ValidationError)
"""rest_service or Redis is away, refuses us, or says what we do not understand."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Pace:
    """How long the scheduler waits for what."""

    each: timedelta = timedelta(minutes=1)
    longest_silence: timedelta = timedelta(seconds=75)
    """Alarms follow the wall clock; where that is set back, claims go on by this."""
    patience: timedelta = timedelta(seconds=30)
    """How long claims may fail before that is worth a warning: rest_service may be starting."""
    unhealthy: timedelta = timedelta(seconds=90)
    first_backoff: timedelta = timedelta(seconds=0.25)
    longest_backoff: timedelta = timedelta(seconds=1)


DEFAULT_PACE = Pace()


class Scheduler:
    """One claim at a time; whatever rings during one leads to one more."""

    def __init__(self, dispatch: Dispatch, pace: Pace = DEFAULT_PACE) -> None:
        self._dispatch = dispatch
        self._pace = pace
        self._rung = asyncio.Event()
        self._failures = 0
        self._reason = "starting"
        self._good_at: float | None = None
        self._failing_since = 0.0
        self._has_warned = False
        self._alarms = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None}
        )
        self._alarms.add_job(self._alarm, "interval", seconds=pace.each.total_seconds())

    def ring(self) -> None:
        """Claim now, or once more after the claim that is running."""
        self._rung.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim until told to stop; a claim that is running is finished."""
        self._alarms.start()
        self.ring()
        stopping = asyncio.create_task(self._ring_at(stop))
        try:
            while await self._is_due(stop):
                self._ring_in(await self._claim())
        finally:
            stopping.cancel()
            self._alarms.shutdown(wait=False)

    def problem(self) -> str | None:
        """For `/health`."""
        if self._good_at is None:
            return f"no claim yet ({self._reason})"
        silence = time.monotonic() - self._good_at
        if silence < self._pace.unhealthy.total_seconds():
            return None
        return f"the last good claim was {silence:.0f} s ago ({self._reason})"

    async def _is_due(self, stop: asyncio.Event) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), self._pace.longest_silence.total_seconds())
        self._rung.clear()
        return not stop.is_set()

    async def _claim(self) -> timedelta:
        try:
            again_in = await self._dispatch()
        except OUTAGE as error:
            return self._failed(str(error).partition("\n")[0])
        self._succeeded()
        return self._pace.each if again_in is None else again_in

    def _succeeded(self) -> None:
        CLAIMS.labels("ok").inc()
        self._good_at = time.monotonic()
        if self._failures:
            log.info("claims work again", failures=self._failures)
        self._failures = 0
        self._has_warned = False

    def _failed(self, reason: str) -> timedelta:
        CLAIMS.labels("failed").inc()
        self._reason = reason
        self._tell()
        backoff = self._pace.first_backoff * 2.0 ** min(self._failures, 10)
        self._failures += 1
        return min(backoff, self._pace.longest_backoff)

    def _tell(self) -> None:
        """Once at the first failure, and once more where it lasts."""
        if self._failures == 0:
            self._failing_since = time.monotonic()
            log.info("claims do not work yet", reason=self._reason)
        failing = timedelta(seconds=time.monotonic() - self._failing_since)
        if failing > self._pace.patience and not self._has_warned:
            log.warning("claims do not work", reason=self._reason)
            self._has_warned = True

    def _ring_in(self, delay: timedelta) -> None:
        if delay <= timedelta():
            self.ring()
        elif delay < self._pace.each:
            at = datetime.now(UTC) + delay
            self._alarms.add_job(
                self._alarm, "date", run_date=at, id="next claim", replace_existing=True
            )

    async def _alarm(self) -> None:
        """A coroutine, because APScheduler runs plain functions in threads."""
        self.ring()

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.ring()
