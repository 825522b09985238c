"""Claims due runs by the clock of Postgres, each exactly once even with several claimers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfoNotFoundError

import structlog
from cronsim import CronSimError
from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import and_, case, col, func, or_, select, true, update
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit import schedule
from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns, DispatchedRuns

from ...models import CronJob, CronJobRun, User
from .job_schedule import get_database_now

MAX_JOBS = 100
MAX_MISSED_RUNS = 100
"""Missed runs that are stored for one outage; older ones are not stored."""

DISPATCH_TIMEOUT = timedelta(seconds=10)
"""A run claimed longer ago is handed out again. The queue drops duplicates."""

AllowedTelegramIds = frozenset[int] | None
"""Telegram ids of TELEGRAM_ALLOWED_USERS; None: everyone."""

EligibilityCondition = ColumnElement[bool]
"""A condition on jobs and their users: whether the job may fire."""

log = structlog.stdlib.get_logger()


class DueJob(NamedTuple):
    """A due job with the times at which it should have fired."""

    job: CronJob
    fire_times: list[datetime]
    """Oldest first; all but the last are missed."""
    next_fire_at: datetime | None


def build_eligibility_condition(
    allowed: AllowedTelegramIds, bot_id: int | None
) -> EligibilityCondition:
    """Return the condition: the user may talk, and the job is not of another bot. Others wait."""
    if bot_id is None:
        return _build_access_condition(allowed)
    return and_(
        _build_access_condition(allowed),
        or_(col(CronJob.bot_id).is_(None), CronJob.bot_id == bot_id),
    )


async def claim(session: AsyncSession, eligible: EligibilityCondition) -> ClaimedRuns:
    """Claim the due runs. A job that missed several times fires once, for the latest."""
    now = await get_database_now(session)
    due_jobs = [_to_due_job(job, now) for job in await _lock_due_jobs(session, now, eligible)]
    claimed = await _insert_runs(session, due_jobs, now)
    await _advance_jobs(session, due_jobs)
    runs = await _read_runs_to_dispatch(session, claimed, now, eligible)
    if len(due_jobs) == MAX_JOBS:
        return ClaimedRuns(runs=runs, next_fire_at=now, now=now)
    times = (
        await _find_earliest_fire_time(session, now, eligible),
        await _next_redispatch_time(session, claimed, now, eligible),
    )
    return ClaimedRuns(runs=runs, next_fire_at=min(filter(None, times), default=None), now=now)


def _build_access_condition(allowed: AllowedTelegramIds) -> ColumnElement[bool]:
    """Return a condition on users: active, and either invited or on the list, as in tg_bot."""
    listed = true() if allowed is None else col(User.telegram_id).in_(allowed)
    return and_(col(User.status) == "active", or_(col(User.is_invited), listed))


async def record_dispatched(session: AsyncSession, body: DispatchedRuns) -> None:
    """Mark claimed runs as queued. Runs that are unknown or in a later state stay unchanged."""
    waiting = and_(col(CronJobRun.id).in_(body.run_ids), CronJobRun.state == "claimed")
    values = {"state": "dispatched", "dispatched_at": func.now()}
    await session.exec(update(CronJobRun).where(waiting).values(**values))


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


def _to_due_job(job: CronJob, now: datetime) -> DueJob:
    assert job.next_fire_at is not None, "due jobs have a next fire"
    if job.cron_expression is None:
        return DueJob(job, [job.next_fire_at], None)
    rule = (job.cron_expression, job.timezone)
    try:
        fires = schedule.list_fires_between(*rule, job.next_fire_at, now, MAX_MISSED_RUNS + 1)
        return DueJob(job, fires or [job.next_fire_at], schedule.get_next_fire(*rule, now))
    except (CronSimError, ZoneInfoNotFoundError) as error:  # the row was changed by hand
        log.error(
            "cron job deactivated: schedule invalid",
            job_id=job.id,
            reason=f"{type(error).__name__}: {error}",
        )
        return DueJob(job, [], None)


async def _insert_runs(
    session: AsyncSession, due_jobs: list[DueJob], now: datetime
) -> Sequence[UUID]:
    rows = [
        CronJobRun(
            job_id=due_job.job.id,
            scheduled_for=fire,
            claimed_at=now,
            state="claimed" if fire == due_job.fire_times[-1] else "missed",
        ).model_dump()
        for due_job in due_jobs
        for fire in due_job.fire_times
    ]
    if not rows:
        return []
    inserted = insert(CronJobRun).values(rows).on_conflict_do_nothing()
    result = await session.exec(inserted.returning(col(CronJobRun.id)))
    return list(result.scalars())


async def _advance_jobs(session: AsyncSession, due_jobs: list[DueJob]) -> None:
    """Set the next fires by a statement: changed rows would announce a change to cron_service."""
    if not due_jobs:
        return
    table = CronJob.metadata.tables["cron_jobs"]
    statement = (
        table.update()
        .where(table.c.id == bindparam("job_id"))
        .values(next_fire_at=bindparam("fire"), is_active=bindparam("active"))
    )
    values = [
        {"job_id": one.job.id, "fire": one.next_fire_at, "active": one.next_fire_at is not None}
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
        **run.model_dump(include={"id", "job_id", "scheduled_for"}),
    )


async def _find_earliest_fire_time(
    session: AsyncSession, now: datetime, eligible: EligibilityCondition
) -> datetime | None:
    """Return when to claim next. A due but locked job may be claimed again if its claimer dies."""
    is_ahead = col(CronJob.next_fire_at) > now
    upcoming = (
        select(func.min(case((is_ahead, col(CronJob.next_fire_at)), else_=now + DISPATCH_TIMEOUT)))
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(col(CronJob.is_active), eligible)
    )
    first: datetime | None = (await session.exec(upcoming)).one()
    return first


async def _next_redispatch_time(
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
