from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts import keys
from smart_kit.contracts.base import AwareDatetimeInput, JsonObject, Page
from smart_kit.contracts.cron_jobs import (
    BotId,
    CronJobCreate,
    CronJobRead,
    CronJobRunRead,
    CronJobUpdate,
)
from smart_kit.errors import InvalidRequest, NotPermitted

from ...models import CronJob, CronJobRun, User
from ...pagination import PageQuery, paginate
from .. import clock
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
from .eligibility import AllowedTelegramIds, build_eligibility_condition

RECORDS = EffectRecorder(
    CronJob,
    CronJobRead,
    CronJobCreate,
    CronJobUpdate,
    "/api/cron-jobs",
    volatile_fields=frozenset({"next_fire_at", "last_fired_at"}),
)
RUNS = RecordReader(CronJobRun, CronJobRunRead, order_by=(col(CronJobRun.scheduled_for).desc(),))
MAX_ACTIVE_PROMPTS = 10
MAX_DUE_PAGE_SIZE = 1000
_MAX_NAME_LENGTH = 60


class CronJobQuery(PageQuery):
    limit: int = Field(50, ge=1, le=MAX_DUE_PAGE_SIZE)
    user_id: UUID | None = None
    is_active: bool | None = None
    due_before: AwareDatetimeInput | None = Field(
        None, description="Only jobs that fire earlier, of users who have access; the next first"
    )
    fired_since: AwareDatetimeInput | None = Field(
        None, description="Only jobs that have fired since"
    )
    bot_id: BotId | None = Field(
        None, description="With `due_before`: leave out jobs that were created with another bot"
    )


async def read_page(
    session: AsyncSession, query: CronJobQuery, owner: OwnerScope
) -> Page[CronJobRead]:
    """Return jobs, oldest first."""
    conditions = (
        [] if query.fired_since is None else [col(CronJob.last_fired_at) >= query.fired_since]
    )
    return await RECORDS.read_page(session, query, owner, *conditions)


async def read_due_page(
    session: AsyncSession, query: CronJobQuery, owner: OwnerScope, allowed: AllowedTelegramIds
) -> Page[CronJobRead]:
    """Return the active jobs that fire before a time, the next first."""
    rows = (
        select(CronJob)
        .join(User, col(User.id) == col(CronJob.user_id))
        .where(col(CronJob.is_active), col(CronJob.next_fire_at) < query.due_before)
        .where(build_eligibility_condition(allowed, query.bot_id))
        .order_by(col(CronJob.next_fire_at), col(CronJob.id))
    )
    if owner is not None:
        rows = rows.where(CronJob.user_id == owner)
    return await paginate(session, rows, query, RECORDS.to_read)


async def read_runs(
    session: AsyncSession, job_id: UUID, query: PageQuery, owner: OwnerScope
) -> Page[CronJobRunRead]:
    """Return the runs of a job, newest first. Raises NotFound."""
    await find_owned(session, CronJob, job_id, owner)
    return await RUNS.read_page(session, query, ANY_OWNER, CronJobRun.job_id == job_id)


async def create(context: CallContext, body: CronJobCreate) -> CronJobRead:
    """Create a job.

    Raises NotFound for an unknown user, NotPermitted for a chat other than the user's own, or for
    a prompt that a prompt creates, InvalidRequest, Conflict at the limit.
    """
    user = await lock_user(context.session, body.user_id, context.owner)
    if context.caller != "admin" and body.chat_id not in (None, user.telegram_id):
        raise NotPermitted("Jobs for another chat than the user's own need the admin token.")
    row = CronJob(
        **body.model_dump(include={"user_id", "type", "text", "priority", "is_active"}),
        name=body.name or build_name(body.text),
        timezone=body.timezone or user.get_timezone(context.default_timezone),
        chat_id=user.telegram_id if body.chat_id is None else body.chat_id,
        bot_id=await context.get_bot_id(),
    )
    _check_not_scheduled(context, row)
    now = await clock.get_now(context.session)
    times = body.model_dump(include=set(job_schedule.SCHEDULE_FIELDS))
    job_schedule.set_schedule(row, times, now)
    await _check_limits(context, row)
    return await add(context, row, now)


async def restore(context: CallContext, facts: JsonObject, user_id: UUID) -> None:
    """Create a cancelled job again. A one-off that is up to a day late fires at once.

    Raises NotFound for a deleted user, InvalidRequest, Conflict at the limit.
    """
    await lock_user(context.session, user_id, context.owner)
    now = await clock.get_now(context.session)
    row = RECORDS.rebuild(facts, user_id)
    await _check_limits(context, row)
    await add(context, row, now)


async def update(context: CallContext, job_id: UUID, body: CronJobUpdate) -> CronJobRead:
    """Change a job; a new time activates a one-off that has fired. Raises NotFound,
    NotPermitted for a prompt that a prompt plans again, InvalidRequest, Conflict."""
    _, row = await lock_owned(context.session, CronJob, job_id, context.owner)
    before, was_active = RECORDS.snapshot(row), row.is_active
    fields = get_provided_fields(body, CronJob)
    times = {name: fields.pop(name) for name in job_schedule.SCHEDULE_FIELDS if name in fields}
    set_fields(row, fields)
    if times or fields.keys() & {"timezone", "is_active"}:
        _check_not_scheduled(context, row)
        now = await clock.get_now(context.session)
        if times and "is_active" not in fields and job_schedule.has_fired(row, now):
            row.is_active = True
        job_schedule.set_schedule(row, times, now)
        set_fire = job_schedule.set_next_fire if times else job_schedule.update_next_fire
        set_fire(row, now)
        await _check_not_fired(context.session, row)
    if row.is_active and not was_active:
        await _check_limits(context, row)
    await context.session.flush()
    return await RECORDS.record_changed(context, row, "reminder_changed", before)


async def delete(context: CallContext, job_id: UUID) -> None:
    """Delete a job. Raises NotFound."""
    _, row = await lock_owned(context.session, CronJob, job_id, context.owner)
    await RECORDS.record_cancelled(context, row, "reminder_cancelled")
    await context.session.delete(row)
    await context.session.flush()


async def add(context: CallContext, row: CronJob, now: datetime) -> CronJobRead:
    """Add a job, whose user is locked. Raises InvalidRequest if it would never fire."""
    job_schedule.set_next_fire(row, now)
    context.session.add(row)
    await context.session.flush()
    return await RECORDS.record_created(context, row, "reminder_created")


def build_name(text: str) -> str:
    """Return the first line of a text, shortened."""
    line = text.splitlines()[0].strip() or text
    return line if len(line) <= _MAX_NAME_LENGTH else f"{line[: _MAX_NAME_LENGTH - 1].rstrip()}…"


def _check_not_scheduled(context: CallContext, row: CronJob) -> None:
    """Raise NotPermitted if a prompt's run plans a prompt, which could go on for ever."""
    origin = context.origin
    if row.type == "prompt" and origin is not None and keys.is_run(origin.message_id):
        raise NotPermitted("A scheduled request cannot plan scheduled requests, only reminders.")


async def _check_not_fired(session: AsyncSession, row: CronJob) -> None:
    """Raise InvalidRequest if the job has fired at this time: it would not fire again."""
    fired = select(CronJobRun.id).where(
        CronJobRun.job_id == row.id, CronJobRun.scheduled_for == row.next_fire_at
    )
    if row.next_fire_at is not None and (await session.exec(fired)).first() is not None:
        raise InvalidRequest(
            f"The job has already fired at {row.next_fire_at.isoformat()}. Choose another time."
        )


async def _check_limits(context: CallContext, row: CronJob) -> None:
    if not row.is_active:
        return
    others = (CronJob.user_id == row.user_id, col(CronJob.is_active), CronJob.id != row.id)
    limit = context.max_active_jobs
    await check_limit(context.session, CronJob, limit, "active reminders", *others)
    if row.type == "prompt":
        prompts = (*others, CronJob.type == "prompt")
        limit = MAX_ACTIVE_PROMPTS
        await check_limit(context.session, CronJob, limit, "active scheduled requests", *prompts)
