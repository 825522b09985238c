"""Receipts of tasks."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.tasks import TaskPriority, TaskStatus

from ..datetimes import format_date, format_local_datetime, is_end_of_day
from ..translations import N_
from .context import ReceiptContext, truncate

_STATUS_TITLES: dict[TaskStatus, str] = {
    "open": N_("Task reopened"),
    "done": N_("Task done"),
    "cancelled": N_("Task cancelled"),
}
_UNDO_STATUS_TITLES = _STATUS_TITLES | {"cancelled": N_("Task removed")}
"""For an effect that undoes another. Undoing a task's creation cancels the task."""

_PRIORITY_LABELS: dict[TaskPriority, str] = {
    "low": N_("low priority"),
    "normal": N_("normal priority"),
    "high": N_("high priority"),
}


class _Task(Contract):
    """The fields of a task that a receipt shows."""

    title: str
    status: TaskStatus = "open"
    due_at: UtcDatetime | None = None
    priority: TaskPriority = "normal"


_EMPTY_TASK = _Task(title="")


def describe_task(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Task: buy milk, due Fri 27 Nov" or "Task done: buy milk".

    Raises ValidationError if the record cannot be parsed.
    """
    task = _Task.model_validate(effect.after)
    before = _Task.model_validate(effect.before) if effect.before else _EMPTY_TASK
    what = context.translation.gettext(_choose_title(task, before, effect))
    return f"{what}: " + ", ".join(
        filter(None, (truncate(task.title), *_describe_details(task, before, context)))
    )


def _choose_title(task: _Task, before: _Task, effect: EffectRead) -> str:
    is_undo = effect.undoes is not None
    if task.status != before.status:
        return (_UNDO_STATUS_TITLES if is_undo else _STATUS_TITLES)[task.status]
    if effect.before is None:
        return N_("Task")
    return N_("Task reverted") if is_undo else N_("Task changed")


def _describe_details(task: _Task, before: _Task, context: ReceiptContext) -> tuple[str, str]:
    """Return the due time of an open task, and the priority if it has changed."""
    gettext = context.translation.gettext
    due = ""
    if task.due_at is not None and task.status == "open":
        due = gettext(N_("due {time}")).format(time=_format_due(task.due_at, context))
    elif task.due_at is None and before.due_at is not None:
        due = gettext(N_("no longer due"))
    priority = task.priority != before.priority
    return due, gettext(_PRIORITY_LABELS[task.priority]) if priority else ""


def _format_due(moment: UtcDatetime, context: ReceiptContext) -> str:
    """Format a due time; only the date if any time that day will do."""
    zone = ZoneInfo(context.timezone)
    if is_end_of_day(moment, zone):
        return format_date(moment, zone, context.language, context.now)
    return (
        f"{format_local_datetime(moment, zone, context.language, context.now)} {context.timezone}"
    )
