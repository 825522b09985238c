from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.cron_jobs import (
    CronJobCreate,
    CronJobRead,
    CronJobRunRead,
    CronJobUpdate,
)
from smart_kit.errors import Conflict, InvalidRequest, NotPermitted

from ...models import CronJob, CronJobRun
from ...pagination import PageQuery, paginate, select_matching
from ..effects.change_origin import ChangeOrigin, get_bot_id
from ..effects.receipts import Receipts
from ..records.crud import OwnerScope, get_provided_fields, set_fields
from ..records.ownership import find_owned, lock_owned, lock_user, timezone_for
from . import job_schedule

NOUN = "cron job"
RECEIPTS = Receipts[CronJob, CronJobRead](
    "/api/cron-jobs",
    CronJob,
    CronJobRead,
    CronJobCreate,
    CronJobUpdate,
    volatile_fields=frozenset({"next_fire_at"}),
)
MAX_ACTIVE_JOBS = 100
_MAX_NAME_LENGTH = 60


class CronJobQuery(PageQuery):
    """Filters of the list of jobs."""

    user_id: UUID | None = None
    is_active: bool | None = None


async def read_page(
    session: AsyncSession, query: CronJobQuery, owner: OwnerScope
) -> Page[CronJobRead]:
    """Return jobs, oldest first."""
    return await paginate(session, select_matching(CronJob, query, owner), query, Page[CronJobRead])


async def read(session: AsyncSession, job_id: UUID, owner: OwnerScope) -> CronJobRead:
    """Return a job. Raises NotFound."""
    return RECEIPTS.to_read(await find_owned(session, CronJob, job_id, NOUN, owner))


async def read_runs(
    session: AsyncSession, job_id: UUID, query: PageQuery, owner: OwnerScope
) -> Page[CronJobRunRead]:
    """Return the runs of a job, newest first. Raises NotFound."""
    await find_owned(session, CronJob, job_id, NOUN, owner)
    runs = select(CronJobRun).where(CronJobRun.job_id == job_id)
    rows = runs.order_by(col(CronJobRun.scheduled_for).desc())
    return await paginate(session, rows, query, Page[CronJobRunRead])


async def create(
    session: AsyncSession,
    body: CronJobCreate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
    *,
    caller: Caller,
    default_timezone: str,
) -> CronJobRead:
    """Create a job.

    Raises NotFound for an unknown user, NotPermitted for a chat other than the user's own,
    InvalidRequest, Conflict at the limit.
    """
    user = await lock_user(session, body.user_id, owner)
    if caller != "admin" and body.chat_id not in (None, user.telegram_id):
        raise NotPermitted("Jobs for another chat than the user's own need the admin token.")
    row = CronJob(
        **body.model_dump(include={"user_id", "type", "text", "priority", "is_active"}),
        name=body.name or _default_name(body.text),
        timezone=body.timezone or timezone_for(user, default_timezone),
        chat_id=user.telegram_id if body.chat_id is None else body.chat_id,
        bot_id=await get_bot_id(session, origin),
    )
    job_schedule.set_schedule(row, {"at": body.at, "cron_expression": body.cron_expression})
    return await _add(session, row, origin)


async def restore(
    session: AsyncSession, facts: JsonObject, user_id: UUID, origin: ChangeOrigin
) -> None:
    """Create a cancelled job again. A one-off that is up to a day late fires at once.

    Raises NotFound for a deleted user, InvalidRequest, Conflict at the limit.
    """
    await lock_user(session, user_id, user_id)
    await _add(session, RECEIPTS.rebuild(facts, user_id), origin)


async def update(
    session: AsyncSession,
    job_id: UUID,
    body: CronJobUpdate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
) -> CronJobRead:
    """Change a job; a new time activates a one-off that has fired. Raises NotFound,
    InvalidRequest, Conflict."""
    _, row = await lock_owned(session, CronJob, job_id, NOUN, owner)
    before, was_active = RECEIPTS.snapshot(row), row.is_active
    fields = get_provided_fields(body, CronJob)
    times = {name: fields.pop(name) for name in job_schedule.SCHEDULE_FIELDS if name in fields}
    set_fields(row, fields)
    if times or fields.keys() & {"timezone", "is_active"}:
        now = await job_schedule.get_database_now(session)
        if times and "is_active" not in fields and job_schedule.has_fired(row, now):
            row.is_active = True
        job_schedule.set_schedule(row, times)
        job_schedule.set_next_fire(row, now)
        await _check_not_fired(session, row)
    if row.is_active and not was_active:
        await _check_limit(session, row)
    await session.flush()
    return await RECEIPTS.record_changed(session, row, before, origin, "reminder_changed")


async def delete(
    session: AsyncSession, job_id: UUID, owner: OwnerScope, origin: ChangeOrigin | None
) -> None:
    """Delete a job. Raises NotFound."""
    _, row = await lock_owned(session, CronJob, job_id, NOUN, owner)
    await RECEIPTS.record_cancelled(session, row, origin, "reminder_cancelled")
    await session.delete(row)
    await session.flush()


async def _add(session: AsyncSession, row: CronJob, origin: ChangeOrigin | None) -> CronJobRead:
    job_schedule.set_next_fire(row, await job_schedule.get_database_now(session))
    await _check_limit(session, row)
    session.add(row)
    await session.flush()
    return await RECEIPTS.record_created(session, row, origin, "reminder_created")


async def _check_not_fired(session: AsyncSession, row: CronJob) -> None:
    """Raise InvalidRequest if the job has fired at this time: it would not fire again."""
    fired = select(CronJobRun.id).where(
        CronJobRun.job_id == row.id, CronJobRun.scheduled_for == row.next_fire_at
    )
    if row.next_fire_at is not None and (await session.exec(fired)).first() is not None:
        raise InvalidRequest(
            f"The job has already fired at {row.next_fire_at.isoformat()}. Choose another time."
        )


async def _check_limit(session: AsyncSession, row: CronJob) -> None:
    if not row.is_active:
        return
    active = (
        select(func.count())
        .select_from(CronJob)
        .where(CronJob.user_id == row.user_id, col(CronJob.is_active), CronJob.id != row.id)
    )
    if (await session.exec(active)).one() >= MAX_ACTIVE_JOBS:
        raise Conflict(f"The limit of {MAX_ACTIVE_JOBS} active jobs is reached. Cancel one first.")


def _default_name(text: str) -> str:
    line = text.splitlines()[0].strip() or text
    return line if len(line) <= _MAX_NAME_LENGTH else f"{line[: _MAX_NAME_LENGTH - 1].rstrip()}…"
