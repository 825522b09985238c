from itertools import islice
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.cron_jobs import FireTimes

from ...models import CronJob
from .. import clock
from ..records.crud import OwnerScope, find_owned
from .job_schedule import build_schedule

MAX_COUNT = 100


async def read_next(
    session: AsyncSession, job_id: UUID, count: int, owner: OwnerScope
) -> FireTimes:
    """Return the next fires of a job. Raises NotFound."""
    row = await find_owned(session, CronJob, job_id, owner)
    if row.next_fire_at is None:
        return FireTimes(items=[], timezone=row.timezone)
    plan = build_schedule(row)
    if plan is None:
        return FireTimes(items=[row.next_fire_at], timezone=row.timezone)
    fires = islice(plan.iter_fires(await clock.get_now(session)), count)
    return FireTimes(items=list(fires), timezone=row.timezone)
