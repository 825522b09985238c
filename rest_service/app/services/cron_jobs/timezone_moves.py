"""Jobs follow their users to another time zone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobRead, JobsMove

from ...models import CronJob, User
from .. import clock
from ..records.call_context import CallContext
from ..records.crud import lock_user
from . import cron_jobs, job_schedule


async def move_recurring(session: AsyncSession, user: User, before: str, after: str) -> int:
    """Give the recurring jobs of a user, who is locked, the new zone. Return how many they are.

    They fire at the same local times as before; those that are due still fire. Rules that count
    elapsed time stay as they are.
    """
    is_recurring = or_(col(CronJob.cron_expression).is_not(None), col(CronJob.rrule).is_not(None))
    rows = await _lock_jobs(session, user, is_recurring, CronJob.timezone == before)
    moving = [row for row in rows if _follows_local_time(row)]
    if moving:
        await _set_timezone(session, moving, after, await clock.get_now(session))
    return len(moving)


async def move_one_offs(context: CallContext, body: JobsMove) -> Page[CronJobRead]:
    """Give one-off jobs at local times of other zones the zone of their user.

    Raises NotFound. A time that is over in the new zone fires at once; a job that is already due
    stays as it is.
    """
    user = await lock_user(context.session, body.user_id, context.owner)
    zone = user.get_timezone(context.default_timezone)
    now = await clock.get_now(context.session)
    is_local = (
        col(CronJob.local_at).is_not(None),
        col(CronJob.rrule).is_(None),
        col(CronJob.next_fire_at) > now,
        CronJob.timezone != zone,
    )
    rows = await _lock_jobs(context.session, user, *is_local)
    before = [cron_jobs.RECORDS.snapshot(row) for row in rows]
    await _set_timezone(context.session, rows, zone, now)
    items = [
        await cron_jobs.RECORDS.record_changed(context, row, "reminder_changed", facts)
        for row, facts in zip(rows, before, strict=True)
    ]
    return Page(items=items, total=len(items), limit=max(1, len(items)), offset=0)


def _follows_local_time(row: CronJob) -> bool:
    plan = job_schedule.build_schedule(row)
    return plan is not None and plan.follows_local_time


async def _lock_jobs(session: AsyncSession, user: User, *conditions: Any) -> Sequence[CronJob]:
    rows = (
        select(CronJob)
        .where(CronJob.user_id == user.id, col(CronJob.is_active), *conditions)
        .order_by(col(CronJob.id))
        .with_for_update()
    )
    return (await session.exec(rows)).all()


async def _set_timezone(
    session: AsyncSession, rows: Sequence[CronJob], zone: str, now: datetime
) -> None:
    for row in rows:
        row.timezone = zone
        job_schedule.set_schedule(row, {}, now)
        job_schedule.update_next_fire(row, now)
    await session.flush()
