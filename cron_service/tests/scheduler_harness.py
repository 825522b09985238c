"""A scheduler with a fake rest_service, and claims that find nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cron_service.app.claims import Claims, ClaimTimings
from cron_service.app.dispatcher import DispatchResult
from cron_service.app.due_jobs import DueJobs
from cron_service.app.redis_client import RedisClient
from cron_service.app.rest_client import RestClient
from cron_service.app.scheduler import DEFAULT_TIMINGS, Scheduler, SchedulerTimings
from cron_service.app.triggers import ScheduleTrigger
from cron_service.tests.running import run_loops, wait_until
from smart_kit.clock import Clock

NEVER = 3600.0
IDLE_TIMINGS = replace(
    DEFAULT_TIMINGS,
    interval=NEVER,
    recheck_interval=NEVER,
    initial_backoff=NEVER,
    max_backoff=NEVER,
    min_interval=0.0,
    pause_factor=0.0,
)
"""No refresh without a request."""


class FakeDispatch:
    """Finds nothing to claim, or fails."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    async def __call__(self) -> DispatchResult:
        self.count += 1
        if self.error is not None:
            raise self.error
        return DispatchResult(None, datetime.now(UTC))


class ObservedScheduler(Scheduler):
    """Records its refreshes and the jobs that it executes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.refresh_count = 0
        self.failure_count = 0
        self.parsed: list[str] = []
        self.executed: list[tuple[str, datetime]] = []

    @property
    def executed_ids(self) -> list[str]:
        return [job_id for job_id, _ in self.executed]

    async def update_jobs_from_rest(self) -> None:
        try:
            await super().update_jobs_from_rest()
        except BaseException:
            self.failure_count += 1
            raise
        self.refresh_count += 1

    def parse_cron_expression(self, expression: str, zone: str) -> ScheduleTrigger:
        self.parsed.append(expression)
        return super().parse_cron_expression(expression, zone)

    def execute_job(self, job_id: str, scheduled_for: datetime) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert asyncio.get_running_loop()
        self.executed.append((job_id, scheduled_for))
        super().execute_job(job_id, scheduled_for)

    async def refresh(self) -> None:
        """Cause a refresh, and wait for the end of it."""
        count = self.refresh_count
        self.request_refresh()
        await wait_until(lambda: self.refresh_count > count)


class Harness:
    """A scheduler and what it uses."""

    def __init__(
        self, rest: RestClient, redis: RedisClient, timings: SchedulerTimings = IDLE_TIMINGS
    ) -> None:
        self.clock = Clock()
        self.due_jobs = DueJobs()
        self.dispatch = FakeDispatch()
        claim_timings = ClaimTimings(min_interval=0, initial_backoff=NEVER, max_backoff=NEVER)
        self.claims = Claims(self.dispatch, self.due_jobs, claim_timings)
        self.scheduler = ObservedScheduler(rest, redis, self.claims, self.clock, timings=timings)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[ObservedScheduler]:
        """Run the scheduler, from the end of its first refresh on."""
        async with run_loops(self.scheduler.start_scheduler, self.claims.run):
            await wait_until(lambda: self.scheduler.refresh_count > 0)
            yield self.scheduler
