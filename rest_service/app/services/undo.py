"""Undoes the newest change of a user, through the service that made it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Contract, JsonObject
from smart_kit.contracts.calendar import CalendarEventUpdate
from smart_kit.contracts.cron_jobs import CronJobUpdate
from smart_kit.contracts.effects import EffectKind, EffectRead, EffectUndo
from smart_kit.contracts.tasks import TaskUpdate
from smart_kit.errors import Conflict, InvalidRequest, NotFound

from ..models import CronJob, Effect
from ..models.base import OwnedRecord
from . import calendar, tasks
from .cron_jobs import cron_jobs, job_schedule
from .effects import effects
from .effects.change_origin import ChangeOrigin
from .effects.receipts import Receipts
from .records.crud import OwnerScope
from .records.ownership import lock_user

RowT = TypeVar("RowT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=Contract)


async def undo(
    session: AsyncSession, body: EffectUndo, owner: OwnerScope, origin: ChangeOrigin | None
) -> EffectRead:
    """Undo the newest effect and return the effect of that.

    Of two concurrent requests the second waits and undoes the effect before. Raises NotFound if no
    effect is left, Conflict if the record has changed since, InvalidRequest without an origin.
    """
    if origin is None:
        raise InvalidRequest("The header Idempotency-Key is missing: `<message id>/<step>`.")
    await lock_user(session, body.user_id, owner)
    effect = await effects.find_latest_undoable(session, body.user_id)
    if effect is None:
        raise NotFound("There is nothing to undo.")
    if effect.reversal is None:
        raise Conflict("This change cannot be undone.")
    try:
        await UNDO_HANDLERS[effect.kind](session, effect, origin._replace(undoes=effect.id))
    except InvalidRequest as error:  # no longer possible, for example a time that is over
        raise Conflict(error.message) from error
    return await effects.read_undo_effect(session, effect)


async def _cancel_job(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    job = await _lock_unchanged(session, effect, cron_jobs.RECEIPTS)
    await cron_jobs.delete(session, job.id, effect.user_id, origin)


async def _change_job(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    job = await _lock_unchanged(session, effect, cron_jobs.RECEIPTS)
    change = CronJobUpdate.model_validate(_require_facts(effect.reversal)["body"])
    await cron_jobs.update(session, job.id, change, effect.user_id, origin)


async def _restore_job(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    await cron_jobs.restore(session, _require_facts(effect.before), effect.user_id, origin)


async def _change_task(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    """Also undoes a new task: it stays visible as cancelled."""
    task = await _lock_unchanged(session, effect, tasks.RECEIPTS)
    change = TaskUpdate.model_validate(_require_facts(effect.reversal)["body"])
    completed = (effect.before or {}).get("completed_at")
    await tasks.update(
        session,
        task.id,
        change,
        effect.user_id,
        origin,
        default_timezone="UTC",  # each time in a receipt has an offset
        completed_at=datetime.fromisoformat(completed) if completed else None,
    )


async def _cancel_event(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    event = await _lock_unchanged(session, effect, calendar.RECEIPTS)
    await calendar.delete(session, event.id, effect.user_id, origin)


async def _change_event(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    event = await _lock_unchanged(session, effect, calendar.RECEIPTS)
    change = CalendarEventUpdate.model_validate(_require_facts(effect.reversal)["body"])
    await calendar.update(session, event.id, change, effect.user_id, origin)


async def _restore_event(session: AsyncSession, effect: Effect, origin: ChangeOrigin) -> None:
    await calendar.restore(session, _require_facts(effect.before), effect.user_id, origin)


UNDO_HANDLERS: Mapping[
    EffectKind, Callable[[AsyncSession, Effect, ChangeOrigin], Awaitable[None]]
] = {
    "reminder_created": _cancel_job,
    "reminder_changed": _change_job,
    "reminder_cancelled": _restore_job,
    "task_created": _change_task,
    "task_changed": _change_task,
    "event_created": _cancel_event,
    "event_changed": _change_event,
    "event_cancelled": _restore_event,
}


async def _lock_unchanged(
    session: AsyncSession, effect: Effect, receipts: Receipts[RowT, ReadT]
) -> RowT:
    """Lock the record. Raises Conflict if it has changed since, so that no change is lost."""
    after = _require_facts(effect.after)
    row = await session.get(receipts.table, UUID(after["id"]), with_for_update=True)
    if row is None:
        raise Conflict("The changed record has been deleted since.")
    if receipts.matches(row, after):
        return row
    if isinstance(row, CronJob) and job_schedule.has_fired(
        row, await job_schedule.get_database_now(session)
    ):
        raise Conflict("The reminder has already fired.")
    raise Conflict("The record has been changed since, and undoing would lose that change.")


def _require_facts(facts: JsonObject | None) -> JsonObject:
    assert facts is not None, "an effect of this kind has these facts"
    return facts
