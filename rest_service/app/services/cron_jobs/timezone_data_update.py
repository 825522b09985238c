"""After an update of the time zone database, jobs still come at the local times they had."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.timezone_data import get_timezone_data_version

from ...database import SessionFactory
from ...models import ClockState, CronJob
from .. import clock
from . import job_schedule

BATCH_SIZE = 500

log = structlog.stdlib.get_logger()


async def recompute_jobs(sessions: SessionFactory) -> bool:
    """Compute the next fires again if the database has changed. Return whether jobs have changed.

    Each batch is a transaction; after a crash the next start begins anew. The new version is stored
    last.
    """
    version = get_timezone_data_version()
    async with sessions() as session:
        stored = (await session.exec(select(ClockState.tzdata_version))).one()
    if stored == version:
        return False
    changed, last_id = 0, None
    while True:
        async with sessions.begin() as session:
            jobs = await _lock_batch(session, last_id)
            if not jobs:
                break
            now = await clock.get_now(session)
            changed += sum(_recompute(job, now) for job in jobs)
            last_id = jobs[-1].id
    async with sessions.begin() as session:
        state = (await session.exec(select(ClockState).with_for_update())).one()
        state.tzdata_version = version
    log.info("time zone data updated", version=version, before=stored, changed_jobs=changed)
    return changed > 0


async def _lock_batch(session: AsyncSession, last_id: UUID | None) -> Sequence[CronJob]:
    rows = select(CronJob).where(col(CronJob.is_active)).order_by(col(CronJob.id))
    if last_id is not None:
        rows = rows.where(col(CronJob.id) > last_id)
    return (await session.exec(rows.limit(BATCH_SIZE).with_for_update())).all()


def _recompute(job: CronJob, now: datetime) -> bool:
    """Set the next fire unless it is due. Return whether it has changed."""
    before = job.next_fire_at
    if before is None or before <= now:
        return False
    try:
        job_schedule.set_schedule(job, {}, now)
        job_schedule.set_next_fire(job, now)
    except job_schedule.SCHEDULE_ERRORS as error:  # the claim of its next fire deactivates it
        reason = f"{type(error).__name__}: {error}"
        log.error("cron job not recomputed: schedule invalid", job_id=job.id, reason=reason)
    return job.next_fire_at != before
