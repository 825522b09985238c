"""Receipts: lines under an answer that state what changed, from records and not from the model."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.contracts.tasks import TaskPriority, TaskStatus
from smart_kit.settings import TimeZoneName

from .datetimes import describe_recurrence, format_date, format_local_datetime, format_time
from .translations import N_, Translation

_MAX_TEXT_LENGTH = 80

Titles = tuple[str, str]
"""The title of an effect, and its title if it undoes another effect."""

REMINDER_TITLES: dict[tuple[EffectKind, CronJobType], Titles] = {
    ("reminder_created", "reminder"): (N_("Reminder"), N_("Reminder restored")),
    ("reminder_changed", "reminder"): (N_("Reminder changed"), N_("Reminder reverted")),
    ("reminder_cancelled", "reminder"): (N_("Reminder cancelled"), N_("Reminder removed")),
    ("reminder_created", "prompt"): (N_("Scheduled request"), N_("Scheduled request restored")),
    ("reminder_changed", "prompt"): (
        N_("Scheduled request changed"),
        N_("Scheduled request reverted"),
    ),
    ("reminder_cancelled", "prompt"): (
        N_("Scheduled request cancelled"),
        N_("Scheduled request removed"),
    ),
}
EVENT_TITLES: dict[EffectKind, Titles] = {
    "event_created": (N_("Event"), N_("Event restored")),
    "event_changed": (N_("Event changed"), N_("Event reverted")),
    "event_cancelled": (N_("Event cancelled"), N_("Event removed")),
}
_STATUS_TITLES: dict[TaskStatus, Titles] = {
    "open": (N_("Task reopened"), N_("Task reopened")),
    "done": (N_("Task done"), N_("Task done")),
    "cancelled": (N_("Task cancelled"), N_("Task removed")),  # undoing its creation cancels a task
}
_PRIORITY_LABELS: dict[TaskPriority, str] = {
    "low": N_("low priority"),
    "normal": N_("normal priority"),
    "high": N_("high priority"),
}

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class ReceiptContext:
    """The user's translation and IANA time zone, and the current time."""

    translation: Translation
    timezone: str
    now: datetime


# the fields of records that receipts show


class _Reminder(Contract):
    type: CronJobType = "reminder"
    text: str
    at: UtcDatetime | None = None
    next_fire_at: UtcDatetime | None = None
    cron_expression: str | None = None
    timezone: TimeZoneName = "UTC"


class _Task(Contract):
    title: str
    status: TaskStatus = "open"
    due_at: UtcDatetime | None = None
    priority: TaskPriority = "normal"


class _Event(Contract):
    title: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    timezone: TimeZoneName
    is_all_day: bool = False
    location: str = ""


def describe_effect(effect: EffectRead, context: ReceiptContext) -> str:
    """Return one line, like "✓ Task: buy milk" or "↩ Task removed: buy milk"."""
    mark = "✓" if effect.undoes is None else "↩"
    title, describe = _DESCRIBERS[effect.kind.partition("_")[0]]
    try:
        return f"{mark} {describe(effect, context)}"
    except ValidationError:
        log.error("effect unreadable", effect=str(effect.id), kind=effect.kind)
        return f"{mark} {context.translation.gettext(title)}"


def _describe_reminder(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna"."""
    reminder = _Reminder.model_validate(effect.after or effect.before)
    title = _choose_title(REMINDER_TITLES[effect.kind, reminder.type], effect, context)
    times = []
    if moment := reminder.next_fire_at or reminder.at:
        times.append(_format_moment(moment, reminder.timezone, context))
    if reminder.cron_expression:
        times.append(describe_recurrence(reminder.cron_expression, context.translation))
    return f"{title}: " + " — ".join(filter(None, (", ".join(times), _truncate(reminder.text))))


def _describe_task(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Task: buy milk, due Fri 27 Nov" or "Task done: buy milk"."""
    task = _Task.model_validate(effect.after)
    before = _Task.model_validate(effect.before or {"title": ""})
    if task.status != before.status:
        titles = _STATUS_TITLES[task.status]
    elif effect.before is None:
        titles = N_("Task"), N_("Task")
    else:
        titles = N_("Task changed"), N_("Task reverted")
    gettext = context.translation.gettext
    details = [_truncate(task.title)]
    if task.due_at is not None and task.status == "open":
        details.append(gettext("due {time}").format(time=_format_due(task.due_at, context)))
    elif task.due_at is None and before.due_at is not None:
        details.append(gettext("no longer due"))
    if task.priority != before.priority:
        details.append(gettext(_PRIORITY_LABELS[task.priority]))
    return f"{_choose_title(titles, effect, context)}: {', '.join(filter(None, details))}"


def _describe_event(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Event: Fri 27 Nov 09:00–10:30 Europe/Berlin — dentist, Main Street 1"."""
    event = _Event.model_validate(effect.after or effect.before)
    zone, language = ZoneInfo(event.timezone), context.translation.language
    begin, end = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    if event.is_all_day:
        # an hour before its end is its last day, also if a clock change skips midnight
        days = (begin, (event.ends_at - timedelta(hours=1)).astimezone(zone))
        time = "–".join(dict.fromkeys(format_date(day, language, context.now) for day in days))
    else:
        begins = format_local_datetime(begin, language, context.now)
        time = f"{begins}–{format_time(end, language, now=begin)} {event.timezone}"
    name = ", ".join(map(_truncate, filter(None, (event.title, event.location))))
    return f"{_choose_title(EVENT_TITLES[effect.kind], effect, context)}: {time} — {name}"


_DESCRIBERS: dict[str, tuple[str, Callable[[EffectRead, ReceiptContext], str]]] = {
    "reminder": (N_("Reminder"), _describe_reminder),
    "task": (N_("Task"), _describe_task),
    "event": (N_("Event"), _describe_event),
}
"""By the first word of an effect's kind: its title if the describer raises ValidationError."""


def _choose_title(titles: Titles, effect: EffectRead, context: ReceiptContext) -> str:
    title, undo_title = titles
    return context.translation.gettext(title if effect.undoes is None else undo_title)


def _format_due(moment: datetime, context: ReceiptContext) -> str:
    local = moment.astimezone(ZoneInfo(context.timezone))
    if (local.hour, local.minute) == (23, 59):  # our convention for "any time that day"
        return format_date(local, context.translation.language, context.now)
    return _format_moment(moment, context.timezone, context)


def _format_moment(moment: datetime, timezone: str, context: ReceiptContext) -> str:
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{format_local_datetime(local, context.translation.language, context.now)} {timezone}"


def _truncate(text: str) -> str:
    """Return the text in one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT_LENGTH else f"{line[: _MAX_TEXT_LENGTH - 1].rstrip()}…"
