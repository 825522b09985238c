from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead, CronJobRunRead, CronJobUpdate
from smart_kit.errors import InvalidRequest, NotPermitted

from ...models import CronJob, CronJobRun
from ...pagination import PageQuery
from ..effects.effect_recorder import EffectRecorder
from ..records.call_context import CallContext
from ..records.crud import (
    ANY_OWNER,
    OwnerScope,
    RecordReader,
    check_limit,
    find_owned,
    get_provided_fields,
    lock_owned,
    lock_user,
    set_fields,
)
from . import job_schedule

RECORDS = EffectRecorder(
    CronJob,
    CronJobRead,
    CronJobCreate,
    CronJobUpdate,
    "/api/cron-jobs",
    volatile_fields=frozenset({"next_fire_at"}),
)
RUNS = RecordReader(CronJobRun, CronJobRunRead, order_by=(col(CronJobRun.scheduled_for).desc(),))
MAX_ACTIVE_JOBS = 100
_MAX_NAME_LENGTH = 60


class CronJobQuery(PageQuery):
    user_id: UUID | None = None
    is_active: bool | None = None


async def read_runs(
    session: AsyncSession, job_id: UUID, query: PageQuery, owner: OwnerScope
) -> Page[CronJobRunRead]:
    """Return the runs of a job, newest first. Raises NotFound."""
    await find_owned(session, CronJob, job_id, owner)
    return await RUNS.read_page(session, query, ANY_OWNER, CronJobRun.job_id == job_id)


async def create(context: CallContext, body: CronJobCreate) -> CronJobRead:
    """Create a job.

    Raises NotFound for an unknown user, NotPermitted for a chat other than the user's own,
    InvalidRequest, Conflict at the limit.
    """
    user = await lock_user(context.session, body.user_id, context.owner)
    if context.caller != "admin" and body.chat_id not in (None, user.telegram_id):
        raise NotPermitted("Jobs for another chat than the user's own need the admin token.")
    row = CronJob(
        **body.model_dump(include={"user_id", "type", "text", "priority", "is_active"}),
        name=body.name or _default_name(body.text),
        timezone=body.timezone or user.get_timezone(context.default_timezone),
        chat_id=user.telegram_id if body.chat_id is None else body.chat_id,
        bot_id=await context.get_bot_id(),
    )
    job_schedule.set_schedule(row, {"at": body.at, "cron_expression": body.cron_expression})
    return await _add(context, row)


async def restore(context: CallContext, facts: JsonObject, user_id: UUID) -> None:
    """Create a cancelled job again. A one-off that is up to a day late fires at once.

    Raises NotFound for a deleted user, InvalidRequest, Conflict at the limit.
    """
    await lock_user(context.session, user_id, context.owner)
    await _add(context, RECORDS.rebuild(facts, user_id))


async def update(context: CallContext, job_id: UUID, body: CronJobUpdate) -> CronJobRead:
    """Change a job; a new time activates a one-off that has fired. Raises NotFound,
    InvalidRequest, Conflict."""
    _, row = await lock_owned(context.session, CronJob, job_id, context.owner)
    before, was_active = RECORDS.snapshot(row), row.is_active
    fields = get_provided_fields(body, CronJob)
    times = {name: fields.pop(name) for name in job_schedule.SCHEDULE_FIELDS if name in fields}
    set_fields(row, fields)
    if times or fields.keys() & {"timezone", "is_active"}:
        now = await job_schedule.get_database_now(context.session)
        if times and "is_active" not in fields and job_schedule.has_fired(row, now):
            row.is_active = True
        job_schedule.set_schedule(row, times)
        job_schedule.set_next_fire(row, now)
        await _check_not_fired(context.session, row)
    if row.is_active and not was_active:
        await _check_limit(context.session, row)
    await context.session.flush()
    return await RECORDS.record_changed(context, row, "reminder_changed", before)


async def delete(context: CallContext, job_id: UUID) -> None:
    """Delete a job. Raises NotFound."""
    _, row = await lock_owned(context.session, CronJob, job_id, context.owner)
    await RECORDS.record_cancelled(context, row, "reminder_cancelled")
    await context.session.delete(row)
    await context.session.flush()


async def _add(context: CallContext, row: CronJob) -> CronJobRead:
    job_schedule.set_next_fire(row, await job_schedule.get_database_now(context.session))
    await _check_limit(context.session, row)
    context.session.add(row)
    await context.session.flush()
    return await RECORDS.record_created(context, row, "reminder_created")


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
    if row.is_active:
        others = (CronJob.user_id == row.user_id, col(CronJob.is_active), CronJob.id != row.id)
        await check_limit(session, CronJob, MAX_ACTIVE_JOBS, "active jobs", *others)


def _default_name(text: str) -> str:
    line = text.splitlines()[0].strip() or text
    return line if len(line) <= _MAX_NAME_LENGTH else f"{line[: _MAX_NAME_LENGTH - 1].rstrip()}…"
