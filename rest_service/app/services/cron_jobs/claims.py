"""Claims due runs by the clock of Postgres, each exactly once even with several claimers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfoNotFoundError

import structlog
from cronsim import CronSimError
from sqlalchemy import bindparam
from sqlmodel import and_, case, col, func, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns, DispatchedRuns, RunState
from smart_kit.errors import InvalidRequest

from ...array_statements import build_insert, build_parameters, select_given
from ...models import CronJob, CronJobRun, User
from .. import clock
from .eligibility import EligibilityCondition
from .job_schedule import build_schedule

MAX_JOBS = 100
MAX_MISSED_RUNS = 7 * 24 * 60
"""Missed runs of a job that are stored for one outage: a week of minutes. Older ones are not."""
MAX_RUNS_PER_CLAIM = 2 * MAX_MISSED_RUNS
"""Rows of a claim; after a long outage, further jobs follow with the next claim."""

DISPATCH_TIMEOUT = timedelta(seconds=1)
"""A run claimed longer ago is handed out again. The queue drops duplicates."""

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


_given_runs = select_given(CronJobRun, RunRow._fields)
_INSERT_RUNS = build_insert(CronJobRun, _given_runs).returning(
    col(CronJobRun.id), col(CronJobRun.state)
)


async def claim(session: AsyncSession, eligible: EligibilityCondition) -> ClaimedRuns:
    """Claim the due runs. A job that missed several times fires once, for the latest."""
    now = await clock.get_now(session)
    locked = await _lock_due_jobs(session, now, eligible)
    due_jobs = await asyncio.to_thread(_to_due_jobs, locked, now) if locked else []
    claimed = await _insert_runs(session, due_jobs, now)
    await _advance_jobs(session, due_jobs)
    runs = await _read_runs_to_dispatch(session, claimed, now, eligible)
    if len(locked) == MAX_JOBS or len(due_jobs) < len(locked):
        return ClaimedRuns(runs=runs, next_fire_at=now, now=now)
    times = (
        *await _find_next_times(session, now, eligible),
        await _find_next_redispatch_time(session, claimed, now, eligible),
    )
    return ClaimedRuns(runs=runs, next_fire_at=min(filter(None, times), default=None), now=now)


async def record_dispatched(session: AsyncSession, body: DispatchedRuns) -> None:
    """Mark claimed runs as queued, and skipped ones as missed. Runs that are unknown or in a later
    state stay unchanged."""
    waiting = and_(col(CronJobRun.id).in_(body.run_ids), CronJobRun.state == "claimed")
    state = case((col(CronJobRun.is_skipped), "missed"), else_="dispatched")
    await session.exec(
        update(CronJobRun).where(waiting).values(state=state, dispatched_at=func.now())
    )


async def _lock_due_jobs(
    session: AsyncSession, now: datetime, eligible: EligibilityCondition
) -> Sequence[CronJob]:
    due = (
        select(CronJob)
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(col(CronJob.is_active), col(CronJob.next_fire_at) <= now, eligible)
        .order_by(col(CronJob.next_fire_at))
        .limit(MAX_JOBS)
        .with_for_update(skip_locked=True, of=CronJob)
    )
    return (await session.exec(due)).all()


def _to_due_jobs(jobs: Sequence[CronJob], now: datetime) -> list[DueJob]:
    """Return as many of the jobs as have MAX_RUNS_PER_CLAIM runs together, but at least one."""
    due_jobs: list[DueJob] = []
    count = 0
    for job in jobs:
        due_jobs.append(_to_due_job(job, now))
        count += len(due_jobs[-1].fire_times)
        if count >= MAX_RUNS_PER_CLAIM:
            break
    return due_jobs


def _to_due_job(job: CronJob, now: datetime) -> DueJob:
    assert job.next_fire_at is not None, "due jobs have a next fire"
    try:
        plan = build_schedule(job)
        if plan is None:
            return DueJob(job, [job.next_fire_at], None)
        fires = plan.list_fires_between(job.next_fire_at, now, MAX_MISSED_RUNS + 1)
        return DueJob(job, fires or [job.next_fire_at], plan.get_next_fire(now))
    except (CronSimError, ZoneInfoNotFoundError, InvalidRequest, ValueError) as error:
        log.error(  # the row was changed by hand
            "cron job deactivated: schedule invalid",
            job_id=job.id,
            reason=f"{type(error).__name__}: {error}",
        )
        return DueJob(job, [], None)


async def _insert_runs(
    session: AsyncSession, due_jobs: list[DueJob], now: datetime
) -> Sequence[UUID]:
    """Return the ids of the claimed runs; those of another claimer are left out."""
    rows = [row for due_job in due_jobs for row in _build_run_rows(due_job, now)]
    if not rows:
        return []
    connection = await session.connection()
    result = await connection.execute(_INSERT_RUNS, build_parameters(rows))
    return [run_id for run_id, state in result if state == "claimed"]


def _build_run_rows(due_job: DueJob, now: datetime) -> list[RunRow]:
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


async def _advance_jobs(session: AsyncSession, due_jobs: list[DueJob]) -> None:
    """Set the next fires by a statement: changed rows would announce a change to cron_service."""
    if not due_jobs:
        return
    table = CronJob.metadata.tables["cron_jobs"]
    statement = (
        table.update()
        .where(table.c.id == bindparam("job_id"))
        .values(
            next_fire_at=bindparam("fire"),
            is_active=bindparam("active"),
            last_fired_at=bindparam("fired"),
        )
    )
    values = [
        {
            "job_id": one.job.id,
            "fire": one.next_fire_at,
            "active": one.next_fire_at is not None,
            "fired": one.fire_times[-1] if one.fire_times else one.job.last_fired_at,
        }
        for one in due_jobs
    ]
    await (await session.connection()).execute(statement, values)


async def _read_runs_to_dispatch(
    session: AsyncSession, claimed: Sequence[UUID], now: datetime, eligible: EligibilityCondition
) -> list[ClaimedRun]:
    """Return the runs claimed now, and older claimed ones, whose claimer probably died."""
    is_stale = col(CronJobRun.claimed_at) < now - DISPATCH_TIMEOUT
    rows = (
        select(CronJobRun, CronJob, User)
        .join(CronJob, col(CronJob.id) == col(CronJobRun.job_id))
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(CronJobRun.state == "claimed", eligible)
        .where(or_(col(CronJobRun.id).in_(claimed), is_stale))
        .order_by(col(CronJobRun.scheduled_for), col(CronJobRun.id))
        .limit(2 * MAX_JOBS)
    )
    return [_to_claimed_run(run, job, user) for run, job, user in await session.exec(rows)]


def _to_claimed_run(run: CronJobRun, job: CronJob, user: User) -> ClaimedRun:
    return ClaimedRun(
        **job.model_dump(include={"type", "text", "chat_id", "timezone", "priority"}),
        **user.model_dump(include={"telegram_id", "language_code"}),
        **run.model_dump(
            include={
                "id",
                "job_id",
                "scheduled_for",
                "missed_count",
                "first_missed_at",
                "is_skipped",
            }
        ),
    )


async def _find_next_times(
    session: AsyncSession, now: datetime, eligible: EligibilityCondition
) -> tuple[datetime | None, datetime | None]:
    """Return the next fire; and when to try again if a job is due but locked: its claimer may die.

    Each part reads the index of due jobs from one end, so that its time does not grow with the
    number of jobs.
    """
    jobs = select(CronJob).join(User, col(User.id) == col(CronJob.user_id))
    active = jobs.where(col(CronJob.is_active), eligible)
    upcoming = (
        active.with_only_columns(col(CronJob.next_fire_at))
        .where(col(CronJob.next_fire_at) > now)
        .order_by(col(CronJob.next_fire_at))
        .limit(1)
        .scalar_subquery()
    )
    is_locked = active.where(col(CronJob.next_fire_at) <= now).exists()
    next_fire_at, locked = (await session.exec(select(upcoming, is_locked))).one()
    return next_fire_at, now + DISPATCH_TIMEOUT if locked else None


async def _find_next_redispatch_time(
    session: AsyncSession, claimed: Sequence[UUID], now: datetime, eligible: EligibilityCondition
) -> datetime | None:
    """Return when a run of another claimer is handed out again, unless it is dispatched."""
    others = (
        select(func.min(CronJobRun.claimed_at))
        .join(CronJob, col(CronJob.id) == col(CronJobRun.job_id))
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(CronJobRun.state == "claimed", col(CronJobRun.claimed_at) >= now - DISPATCH_TIMEOUT)
        .where(col(CronJobRun.id).not_in(claimed), eligible)
    )
    first: datetime | None = (await session.exec(others)).one()
    return first + DISPATCH_TIMEOUT if first is not None else None
