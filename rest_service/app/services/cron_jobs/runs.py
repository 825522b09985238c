"""The answers of users to delivered reminders: done, or again later."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.cron_jobs import CronJobRead, CronJobRunRead, RunSnooze
from smart_kit.errors import Conflict, NotFound

from ...models import CronJob, CronJobRun, User
from .. import clock
from ..records.call_context import CallContext
from ..records.crud import find, lock_owned, not_found_error
from . import cron_jobs, job_schedule


async def acknowledge(context: CallContext, run_id: UUID) -> CronJobRunRead:
    """Mark a run as done by the user; repeating it changes nothing.

    Raises NotFound, Conflict if the user has chosen to be reminded again.
    """
    _, _, run = await _lock_run(context, run_id)
    if run.snoozed_job_id is not None:
        raise Conflict("The user has already chosen to be reminded again.")
    run.acknowledged_at = run.acknowledged_at or utc_now()
    await context.session.flush()
    return cron_jobs.RUNS.to_read(run)


async def snooze(context: CallContext, run_id: UUID, body: RunSnooze) -> CronJobRead:
    """Create a one-off job with the text of the run's job, also at the limit of active jobs.

    Raises NotFound, Conflict if the run was answered before.
    """
    user, job, run = await _lock_run(context, run_id)
    if run.acknowledged_at is not None or run.snoozed_job_id is not None:
        raise Conflict("The reminder has been answered before.")
    now = await clock.get_now(context.session)
    zone = user.get_timezone(context.default_timezone)
    row = CronJob(
        **job.model_dump(include={"user_id", "name", "text", "chat_id", "bot_id", "priority"}),
        type="reminder",
        timezone=zone,
    )
    job_schedule.set_schedule(row, _build_times(body, run, ZoneInfo(zone), now), now)
    created = await cron_jobs.add(context, row, now)
    run.snoozed_job_id = created.id
    return created


def _build_times(body: RunSnooze, run: CronJobRun, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Return the time of the new job: tomorrow means the same local time."""
    if body.minutes is not None:
        return {"at": now + timedelta(minutes=body.minutes)}
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    due = run.scheduled_for.astimezone(zone).time().replace(second=0, microsecond=0)
    return {"local_at": datetime.combine(tomorrow, due)}


async def _lock_run(context: CallContext, run_id: UUID) -> tuple[User, CronJob, CronJobRun]:
    """Lock the user, the job and the run, in this order. Raises NotFound for another user's."""
    run = await find(context.session, CronJobRun, run_id)
    try:
        user, job = await lock_owned(context.session, CronJob, run.job_id, context.owner)
    except NotFound as error:
        raise not_found_error(CronJobRun.noun, run_id) from error
    return user, job, await find(context.session, CronJobRun, run_id, lock=True)
