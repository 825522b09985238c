"""Claims due runs by the clock of Postgres, each exactly once even with several claimers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import and_, case, col, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns, DispatchedRuns

from ...array_statements import build_insert, build_parameters, select_given
from ...models import CronJob, CronJobRun, User
from .. import clock
from .due_jobs import DueJob, RunRow, build_due_jobs, build_run_rows
from .eligibility import EligibilityCondition

MAX_JOBS = 100
DISPATCH_TIMEOUT = timedelta(seconds=1)
"""A run claimed longer ago is handed out again. The queue drops duplicates."""

_given_runs = select_given(CronJobRun, RunRow._fields)
_INSERT_RUNS = build_insert(CronJobRun, _given_runs).returning(
    col(CronJobRun.id), col(CronJobRun.state)
)


async def claim(session: AsyncSession, eligible: EligibilityCondition) -> ClaimedRuns:
    """Claim the due runs. A job that missed several times fires once, for the latest."""
    now = await clock.get_now(session)
    locked = await _lock_due_jobs(session, now, eligible)
    due_jobs = await asyncio.to_thread(build_due_jobs, locked, now) if locked else []
    claimed = await _insert_runs(session, due_jobs, now)
    await _advance_jobs(session, due_jobs)
    claimed += await _take_over_runs(session, now, eligible)
    runs = await _read_claimed_runs(session, claimed, eligible)
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


async def _insert_runs(session: AsyncSession, due_jobs: list[DueJob], now: datetime) -> list[UUID]:
    """Return the ids of the claimed runs; those of another claimer are left out."""
    rows = [row for due_job in due_jobs for row in build_run_rows(due_job, now)]
    if not rows:
        return []
    connection = await session.connection()
    result = await connection.execute(_INSERT_RUNS, build_parameters(rows))
    return [run_id for run_id, state in result if state == "claimed"]


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


async def _take_over_runs(
    session: AsyncSession, now: datetime, eligible: EligibilityCondition
) -> list[UUID]:
    """Claim older runs again, whose claimer probably died. Return their ids.

    Other claimers skip them, and get them only after another DISPATCH_TIMEOUT.
    """
    stale = (
        select(CronJobRun.id)
        .join(CronJob, col(CronJob.id) == col(CronJobRun.job_id))
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(CronJobRun.state == "claimed", eligible)
        .where(col(CronJobRun.claimed_at) < now - DISPATCH_TIMEOUT)
        .order_by(col(CronJobRun.claimed_at), col(CronJobRun.scheduled_for))
        .limit(MAX_JOBS)
        .with_for_update(skip_locked=True, of=CronJobRun)
    )
    ids = list((await session.exec(stale)).all())
    if ids:
        taken = update(CronJobRun).where(col(CronJobRun.id).in_(ids))
        await session.exec(taken.values(claimed_at=now))
    return ids


async def _read_claimed_runs(
    session: AsyncSession, claimed: Sequence[UUID], eligible: EligibilityCondition
) -> list[ClaimedRun]:
    if not claimed:
        return []
    rows = (
        select(CronJobRun, CronJob, User)
        .join(CronJob, col(CronJob.id) == col(CronJobRun.job_id))
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(col(CronJobRun.id).in_(claimed), eligible)
        .order_by(col(CronJobRun.scheduled_for), col(CronJobRun.id))
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
