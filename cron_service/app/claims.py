"""Claims due runs: one claim at a time, for all jobs that are due."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from smart_kit.backoff import Backoff

from .attempts import RETRYABLE_ERRORS, Attempts
from .dispatcher import DispatchResult
from .due_jobs import DueJobs
from .metrics import CLAIMS
from .request_loop import RequestLoop, Wait

Dispatch = Callable[[], Awaitable[DispatchResult]]
"""Claims due runs and enqueues them."""


@dataclass(frozen=True)
class ClaimTimings:
    """Times of the claims, in seconds."""

    min_interval: float = 0.2
    """Jobs that become due within this time after a claim share the next one."""
    max_interval: float = 60.0
    """Runs of a replica that died are found by claims alone."""
    initial_backoff: float = 0.25
    max_backoff: float = 1.0


DEFAULT_TIMINGS = ClaimTimings()


class Claims:
    """Claims at the start, when asked, at the next fire that a claim names, and each minute."""

    def __init__(
        self, dispatch: Dispatch, due_jobs: DueJobs, timings: ClaimTimings = DEFAULT_TIMINGS
    ) -> None:
        self.due_jobs = due_jobs
        self._dispatch = dispatch
        self._timings = timings
        self._attempts = Attempts("claim", Backoff(timings.initial_backoff, timings.max_backoff))
        self._loop = RequestLoop(self._claim)

    def request(self) -> None:
        """Claim now, or again after the running claim."""
        self._loop.request()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim until `stop`. A running claim is finished."""
        await self._loop.run(stop)

    def describe_last_result(self) -> str:
        """Return what became of the last claim, for `/health`."""
        return self._attempts.last_error or "claims succeed, but none returns it"

    async def _claim(self) -> Wait:
        started_at = time.monotonic()
        try:
            result = await self._dispatch()
        except RETRYABLE_ERRORS as error:
            CLAIMS.labels("failed").inc()
            return self._build_wait(timedelta(seconds=self._attempts.record_failure(error)))
        CLAIMS.labels("ok").inc()
        self._attempts.record_success()
        self._update_due_jobs(result, started_at)
        return self._build_wait(result.next_delay)

    def _update_due_jobs(self, result: DispatchResult, started_at: float) -> None:
        self.due_jobs.remove(result.job_ids)
        if result.claimed_at is None:  # tg_bot reports what keeps the bot from starting
            self.due_jobs.clear()
        elif not result.has_more:
            self.due_jobs.settle(result.claimed_at, started_at)

    def _build_wait(self, next_delay: timedelta | None) -> Wait:
        if next_delay == timedelta():  # more runs are due
            return Wait(0, 0)
        seconds = self._timings.max_interval if next_delay is None else next_delay.total_seconds()
        return Wait(self._timings.min_interval, min(seconds, self._timings.max_interval))
