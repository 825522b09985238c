"""Undoes the newest change of a user, through the service that made it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from smart_kit.contracts.base import Contract, JsonObject
from smart_kit.contracts.calendar import CalendarEventUpdate
from smart_kit.contracts.cron_jobs import CronJobUpdate
from smart_kit.contracts.effects import (
    UNDO_REFUSALS,
    EffectKind,
    EffectRead,
    EffectUndo,
    UndoRefusal,
)
from smart_kit.contracts.tasks import TaskUpdate
from smart_kit.contracts.users import UserUpdate
from smart_kit.errors import Conflict, InvalidRequest, NotFound

from ..models import CronJob, Effect
from ..models.base import OwnedRecord
from . import calendar, clock, tasks, user_settings
from .cron_jobs import cron_jobs, job_schedule
from .effects import effects
from .effects.effect_recorder import EffectRecorder
from .records.call_context import CallContext
from .records.crud import lock_user

RowT = TypeVar("RowT", bound=OwnedRecord)
ReadT = TypeVar("ReadT", bound=Contract)


async def undo(context: CallContext, body: EffectUndo) -> EffectRead:
    """Undo the newest effect and return the effect of that.

    Of two concurrent requests the second waits and undoes the effect before. Raises NotFound if no
    effect is left, Conflict if the record has changed since, InvalidRequest without an origin.
    """
    if context.origin is None:
        raise InvalidRequest("The header Idempotency-Key is missing: `<message id>/<step>`.")
    await lock_user(context.session, body.user_id, context.owner)
    effect = await effects.find_latest_undoable(context.session, body.user_id)
    if effect is None:
        raise NotFound("There is nothing to undo.")
    if effect.reversal is None:
        raise _build_refusal("not_reversible")
    origin = context.origin._replace(undoes=effect.id)
    try:
        handler = UNDO_HANDLERS[effect.kind]
        await handler(replace(context, owner=effect.user_id, origin=origin), effect)
    except InvalidRequest as error:  # no longer possible, for example a time that is over
        raise Conflict(error.message) from error
    return await effects.read_undo_effect(context.session, effect)


async def _cancel_job(context: CallContext, effect: Effect) -> None:
    job = await _lock_unchanged(context, effect, cron_jobs.RECORDS)
    await cron_jobs.delete(context, job.id)


async def _revert_job(context: CallContext, effect: Effect) -> None:
    job = await _lock_unchanged(context, effect, cron_jobs.RECORDS)
    change = CronJobUpdate.model_validate(_get_reversal_body(effect))
    await cron_jobs.update(context, job.id, change)


async def _restore_job(context: CallContext, effect: Effect) -> None:
    await cron_jobs.restore(context, _require_facts(effect.before), effect.user_id)


async def _revert_task(context: CallContext, effect: Effect) -> None:
    """Also undoes a new task: it stays visible as cancelled."""
    task = await _lock_unchanged(context, effect, tasks.RECORDS)
    change = TaskUpdate.model_validate(_get_reversal_body(effect))
    completed = (effect.before or {}).get("completed_at")
    completed_at = datetime.fromisoformat(completed) if completed else None
    await tasks.update(context, task.id, change, completed_at)


async def _cancel_event(context: CallContext, effect: Effect) -> None:
    event = await _lock_unchanged(context, effect, calendar.RECORDS)
    await calendar.delete(context, event.id)


async def _revert_event(context: CallContext, effect: Effect) -> None:
    event = await _lock_unchanged(context, effect, calendar.RECORDS)
    await calendar.update(
        context, event.id, CalendarEventUpdate.model_validate(_get_reversal_body(effect))
    )


async def _restore_event(context: CallContext, effect: Effect) -> None:
    await calendar.restore(context, _require_facts(effect.before), effect.user_id)


async def _revert_settings(context: CallContext, effect: Effect) -> None:
    """Nothing is compared: the newest change of a setting is the one that counts."""
    change = UserUpdate.model_validate(_get_reversal_body(effect))
    await user_settings.update(context, effect.user_id, change)


UNDO_HANDLERS: Mapping[EffectKind, Callable[[CallContext, Effect], Awaitable[None]]] = {
    "reminder_created": _cancel_job,
    "reminder_changed": _revert_job,
    "reminder_cancelled": _restore_job,
    "task_created": _revert_task,
    "task_changed": _revert_task,
    "event_created": _cancel_event,
    "event_changed": _revert_event,
    "event_cancelled": _restore_event,
    "settings_changed": _revert_settings,
}


async def _lock_unchanged(
    context: CallContext, effect: Effect, records: EffectRecorder[RowT, ReadT]
) -> RowT:
    """Lock the record. Raises Conflict if it has changed since, so that no change is lost."""
    after = _require_facts(effect.after)
    row = await context.session.get(records.table, UUID(after["id"]), with_for_update=True)
    if row is None:
        raise _build_refusal("deleted")
    if records.matches(row, after):
        return row
    if isinstance(row, CronJob) and job_schedule.has_fired(
        row, await clock.get_now(context.session)
    ):
        raise _build_refusal("fired")
    raise _build_refusal("changed")


def _build_refusal(reason: UndoRefusal) -> Conflict:
    return Conflict(UNDO_REFUSALS[reason])


def _get_reversal_body(effect: Effect) -> JsonObject:
    body: JsonObject = _require_facts(effect.reversal)["body"]
    return body


def _require_facts(facts: JsonObject | None) -> JsonObject:
    assert facts is not None, "an effect of this kind has these facts"
    return facts
