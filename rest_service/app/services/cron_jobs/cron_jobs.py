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
from ...pagination import PageQuery, build_page, fetch_page
from ..effects.change_origin import ChangeOrigin, get_bot_id
from ..effects.receipts import Receipts
from ..records.crud import OwnerScope, filter_by_user, get_provided_fields, set_fields
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
    """Which jobs are wanted."""

    user_id: UUID | None = None
    is_active: bool | None = None


async def read_page(
    session: AsyncSession, query: CronJobQuery, owner: OwnerScope
) -> Page[CronJobRead]:
    """Jobs, oldest first."""
    rows = select(CronJob).order_by(col(CronJob.created_at), col(CronJob.id))
    rows = filter_by_user(rows, CronJob.user_id, query.user_id, owner)
    if query.is_active is not None:
        rows = rows.where(CronJob.is_active == query.is_active)
    return build_page(Page[CronJobRead], *await fetch_page(session, rows, query), query)


async def read(session: AsyncSession, job_id: UUID, owner: OwnerScope) -> CronJobRead:
    """Raises NotFound."""
    return RECEIPTS.to_read(await find_owned(session, CronJob, job_id, NOUN, owner))


async def read_runs(
    session: AsyncSession, job_id: UUID, query: PageQuery, owner: OwnerScope
) -> Page[CronJobRunRead]:
    """How a job has fired, the newest first. Raises NotFound."""
    await find_owned(session, CronJob, job_id, NOUN, owner)
    runs = select(CronJobRun).where(CronJobRun.job_id == job_id)
    rows = runs.order_by(col(CronJobRun.scheduled_for).desc())
    return build_page(Page[CronJobRunRead], *await fetch_page(session, rows, query), query)


async def create(
    session: AsyncSession,
    body: CronJobCreate,
    owner: OwnerScope,
    origin: ChangeOrigin | None,
    *,
    caller: Caller,
    default_timezone: str,
) -> CronJobRead:
    """Raises NotFound for an unknown user, NotPermitted for a chat that is not the person's own,
    InvalidRequest, Conflict where there are too many.
    """
    user = await lock_user(session, body.user_id, owner)
    if caller != "admin" and body.chat_id not in (None, user.telegram_id):
        raise NotPermitted("Only the admin token plans jobs for a chat that is not the person's.")
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
    """Put a job back that was cancelled; a one-off whose time is just over fires at once.

    Raises NotFound where the person is gone, InvalidRequest, Conflict.
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
    """Raises NotFound, InvalidRequest, Conflict. A new time revives a one-off that is over."""
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
    """Raises NotFound."""
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
    """Each instant of a job is claimed once, so a second time it would never fire."""
    fired = select(CronJobRun.id).where(
        CronJobRun.job_id == row.id, CronJobRun.scheduled_for == row.next_fire_at
    )
    if row.next_fire_at is not None and (await session.exec(fired)).first() is not None:
        raise InvalidRequest(
            f"The job has fired at {row.next_fire_at.isoformat()} already; give it another time."
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
        raise Conflict(f"There are {MAX_ACTIVE_JOBS} active jobs already; cancel one first.")


def _default_name(text: str) -> str:
    """The beginning of the text."""
    line = text.splitlines()[0].strip() or text
    return line if len(line) <= _MAX_NAME_LENGTH else f"{line[: _MAX_NAME_LENGTH - 1].rstrip()}…"
