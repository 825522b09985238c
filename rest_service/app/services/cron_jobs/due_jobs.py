"""The runs of due jobs: the latest time of each job fires, earlier ones are missed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog

from smart_kit.contracts.cron_jobs import RunState

from ...models import CronJob
from .job_schedule import SCHEDULE_ERRORS, build_schedule

MAX_MISSED_RUNS = 7 * 24 * 60
"""Missed runs of a job that are stored for one outage: a week of minutes. Older ones are not."""
MAX_RUNS_PER_CLAIM = 2 * MAX_MISSED_RUNS
"""Rows of a claim; after a long outage, further jobs follow with the next claim."""

MAX_PROMPT_LATENESS = timedelta(hours=1)
"""A prompt that is later, or later than half its interval, is not executed any more."""

log = structlog.stdlib.get_logger()


class DueJob(NamedTuple):
    """A due job with the times at which it should have fired."""

    job: CronJob
    fire_times: list[datetime]
    """Oldest first; all but the last are missed."""
    next_fire_at: datetime | None


class RunRow(NamedTuple):
    """A row of a run that is due or was missed."""

    job_id: UUID
    scheduled_for: datetime
    claimed_at: datetime
    state: RunState
    reason: str | None = None
    missed_count: int = 0
    first_missed_at: datetime | None = None
    is_skipped: bool = False


def build_due_jobs(jobs: Sequence[CronJob], now: datetime) -> list[DueJob]:
    """Return as many of the jobs as have MAX_RUNS_PER_CLAIM runs together, but at least one."""
    due_jobs: list[DueJob] = []
    count = 0
    for job in jobs:
        due_jobs.append(_build_due_job(job, now))
        count += len(due_jobs[-1].fire_times)
        if count >= MAX_RUNS_PER_CLAIM:
            break
    return due_jobs


def _build_due_job(job: CronJob, now: datetime) -> DueJob:
    assert job.next_fire_at is not None, "due jobs have a next fire"
    try:
        plan = build_schedule(job)
        if plan is None:
            return DueJob(job, [job.next_fire_at], None)
        fires = plan.list_fires_between(job.next_fire_at, now, MAX_MISSED_RUNS + 1)
        return DueJob(job, fires or [job.next_fire_at], plan.get_next_fire(now))
    except SCHEDULE_ERRORS as error:
        log.error(
            "cron job deactivated: schedule invalid",
            job_id=job.id,
            reason=f"{type(error).__name__}: {error}",
        )
        return DueJob(job, [], None)


def build_run_rows(due_job: DueJob, now: datetime) -> list[RunRow]:
    """Return a missed run for each time but the last, which is claimed."""
    job, fires = due_job.job, due_job.fire_times
    if not fires:
        return []
    *missed, last = fires
    is_skipped = _is_too_late(due_job, last, now)
    rows = [RunRow(job.id, fire, now, "missed", "down") for fire in missed]
    reason = "late" if is_skipped else None
    since = missed[0] if missed else None
    return [*rows, RunRow(job.id, last, now, "claimed", reason, len(missed), since, is_skipped)]


def _is_too_late(due_job: DueJob, fire: datetime, now: datetime) -> bool:
    """Return whether a prompt is no longer worth executing."""
    if due_job.job.type != "prompt":
        return False
    limit = MAX_PROMPT_LATENESS
    if due_job.next_fire_at is not None:
        limit = min(limit, (due_job.next_fire_at - fire) / 2)
    return now - fire > limit
