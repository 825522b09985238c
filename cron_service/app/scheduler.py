"""Keeps the jobs that are due soon in APScheduler, which asks for a claim at their times.

A job only says when to claim. The claim in Postgres decides what fires, so that each run fires once
and never early, however many replicas hold the job and whatever their clocks say.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from smart_kit.backoff import Backoff
from smart_kit.clock import Clock
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.errors import InvalidRequest, UpstreamUnavailable
from smart_kit.local_time import ZONE_ERRORS
from smart_kit.schedule import CronSchedule

from .attempts import RETRYABLE_ERRORS, Attempts
from .claims import Claims
from .redis_client import RedisClient
from .request_loop import RequestLoop, Wait
from .rest_client import MAX_PAGES, PAGE_SIZE, RestClient
from .triggers import InlineExecutor, ScheduleTrigger

REFRESH_TIMEOUT_SECONDS = 15.0
"""Time limit of a refresh; shorter than the time that loops get to stop."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class SchedulerTimings:
    """Times of the refreshes, in seconds."""

    interval: float = 60.0
    min_interval: float = 0.5
    """Announcements of this time share a refresh; the first is followed at once."""
    pause_factor: float = 4.0
    """A pause is at least so many times as long as the refresh before it."""
    recheck_interval: float = 5.0
    """Longest pause while a job is stuck or the bot is unknown."""
    lookahead: float = 120.0
    """Jobs are held if they are due within this time: an interval, and as much for failures."""
    initial_backoff: float = 1.0
    max_backoff: float = 2.0
    max_overdue: float = 30.0
    """The service is unhealthy if a job is later than this."""
    max_age: float = 90.0
    """The service is unhealthy if the last refresh was longer ago than this."""


DEFAULT_TIMINGS = SchedulerTimings()


class Scheduler:
    """Refreshes the jobs each minute and when told. A refresh is followed by a claim."""

    def __init__(
        self,
        rest: RestClient,
        redis: RedisClient,
        claims: Claims,
        clock: Clock,
        *,
        timings: SchedulerTimings = DEFAULT_TIMINGS,
    ) -> None:
        self._rest = rest
        self._redis = redis
        self._claims = claims
        self._due_jobs = claims.due_jobs
        self._clock = clock
        self._timings = timings
        self._is_bot_unknown = False
        self._listed_until: datetime | None = None
        """Time of the last job of a list that has reached its limit."""
        self._attempts = Attempts("refresh", Backoff(timings.initial_backoff, timings.max_backoff))
        self._refreshes = RequestLoop(self._refresh)
        self._apscheduler = AsyncIOScheduler(
            timezone=UTC, executors={"default": InlineExecutor(clock)}
        )

    def request_refresh(self) -> None:
        """Read the jobs, now or after the pause between two refreshes, and claim.

        The response to the claim names the next fire, so that no job waits for the end of a pause.
        """
        self._refreshes.request()
        self._claims.request()

    async def start_scheduler(self, stop: asyncio.Event) -> None:
        """Hold the jobs and ask for claims until `stop`."""
        self._apscheduler.start()
        try:
            await self._refreshes.run(stop)
        finally:
            self._apscheduler.shutdown(wait=False)

    async def update_jobs_from_rest(self) -> None:
        """Hold the jobs that are due soon, and no others.

        Raises one of RETRYABLE_ERRORS; then all jobs stay.
        """
        listed: dict[str, datetime] = {}
        self._listed_until = None
        claimed_at = self._due_jobs.claimed_at
        bot_id = await self._redis.get_bot_id()
        self._is_bot_unknown = bot_id is None
        if bot_id is not None:
            due_before = self._clock.now() + timedelta(seconds=self._timings.lookahead)
            async for jobs in self._rest.fetch_scheduled_jobs(bot_id, due_before):
                self._hold(jobs, claimed_at)
                listed |= {str(job.id): job.next_fire_at for job in jobs if job.next_fire_at}
        if len(listed) >= PAGE_SIZE * MAX_PAGES:
            self._listed_until = max(listed.values())
        self._due_jobs.keep_listed(listed)
        for job in self._apscheduler.get_jobs():
            if job.id not in listed:
                job.remove()

    def parse_cron_expression(self, expression: str, zone: str) -> ScheduleTrigger:
        """Return a trigger for a cron expression of five fields in an IANA zone.

        Raises InvalidRequest, with the reason.
        """
        schedule = CronSchedule(expression, zone)
        try:
            schedule.check(self._clock.now())
        except ZONE_ERRORS as error:
            raise InvalidRequest(f"{zone!r} is not an IANA time zone.") from error
        return ScheduleTrigger(schedule, self._clock)

    def execute_job(self, job_id: str, scheduled_for: datetime) -> None:
        """Ask for a claim, because the time of a job has come. Jobs of one time share a claim."""
        self._due_jobs.add(job_id, scheduled_for)
        self._claims.request()

    def compute_overdue_seconds(self) -> float:
        """Return how late the most overdue job is; 0 if none is."""
        return self._due_jobs.compute_overdue_seconds(self._clock.now())

    def health_error(self) -> str | None:
        """Return the error for `/health`, or None."""
        if self._attempts.succeeded_at is None:
            return f"the jobs could not be read yet ({self._attempts.last_error})"
        overdue = self.compute_overdue_seconds()
        if overdue > self._timings.max_overdue:
            reason = self._claims.describe_last_result()
            return f"the most overdue job is {overdue:.0f} s late ({reason})"
        age = time.monotonic() - self._attempts.succeeded_at
        if age >= self._timings.max_age:
            return f"the jobs were last read {age:.0f} s ago ({self._attempts.last_error})"
        return None

    def health_note(self) -> str:
        """Return a note for `/health`."""
        return "jobs wait until tg_bot says which bot it serves" if self._is_bot_unknown else ""

    async def _refresh(self) -> Wait:
        started_at = time.monotonic()
        try:
            async with asyncio.timeout(REFRESH_TIMEOUT_SECONDS):
                await self.update_jobs_from_rest()
        except TimeoutError:
            error = UpstreamUnavailable(f"no list within {REFRESH_TIMEOUT_SECONDS:g} s")
            wait = self._record_failure(error)
        except RETRYABLE_ERRORS as error:
            wait = self._record_failure(error)
        else:
            wait = self._record_success(time.monotonic() - started_at)
        self._claims.request()
        return wait

    def _record_failure(self, error: Exception) -> Wait:
        return Wait(self._timings.min_interval, self._attempts.record_failure(error))

    def _record_success(self, seconds: float) -> Wait:
        self._attempts.record_success()
        is_waiting = self._is_bot_unknown or self._due_jobs.has_stuck()
        at_least = max(self._timings.min_interval, seconds * self._timings.pause_factor)
        at_most = self._timings.recheck_interval if is_waiting else self._timings.interval
        if self._listed_until is not None:
            ahead = (self._listed_until - self._clock.now()).total_seconds()
            at_most = min(at_most, max(at_least, ahead))
        return Wait(at_least, at_most)

    def _hold(self, jobs: Iterable[CronJobRead], claimed_at: datetime | None) -> None:
        """Add or change jobs that were listed after a claim."""
        self._apscheduler.pause()  # otherwise each job would make it look for those that are due
        try:
            for job in jobs:
                self._hold_job(job, claimed_at)
        finally:
            self._apscheduler.resume()

    def _hold_job(self, job: CronJobRead, claimed_at: datetime | None) -> None:
        job_id, next_fire_at = str(job.id), job.next_fire_at
        assert next_fire_at is not None, "listed jobs have a next fire"
        if claimed_at is not None:
            self._due_jobs.add_if_stuck(job_id, next_fire_at, claimed_at)
        run_date = next_fire_at - self._clock.offset
        held = self._apscheduler.get_job(job_id)
        is_held = held is not None and held.next_run_time == run_date
        if is_held or self._due_jobs.is_due(job_id, next_fire_at):
            return
        self._apscheduler.add_job(
            self.execute_job,
            self._build_trigger(job, run_date),
            args=(job_id, next_fire_at),
            id=job_id,
            next_run_time=run_date,
            replace_existing=True,
        )

    def _build_trigger(self, job: CronJobRead, run_date: datetime) -> ScheduleTrigger | DateTrigger:
        if job.cron_expression is not None:
            try:
                return self.parse_cron_expression(job.cron_expression, job.timezone)
            except InvalidRequest as error:  # the row was changed by hand
                log.warning("cron expression invalid", job_id=str(job.id), reason=error.message)
        return DateTrigger(run_date)
