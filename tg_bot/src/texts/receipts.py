"""Receipts: lines under an answer that state what changed, from records and not from the model."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.contracts.tasks import TaskPriority, TaskStatus
from smart_kit.settings import Language, TimeZoneName

from .datetimes import (
    format_date,
    format_due,
    format_local_datetime,
    format_present_time,
    format_time,
)
from .reminder_texts import ReminderFacts, describe_reminder, shorten
from .text_context import TextContext
from .translations import LANGUAGE_NAMES, N_

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
PRIORITY_LABELS: dict[TaskPriority, str] = {
    "low": N_("low priority"),
    "normal": N_("normal priority"),
    "high": N_("high priority"),
}

log = structlog.stdlib.get_logger()


# the fields of records that receipts show


class _Task(Contract):
    title: str
    status: TaskStatus = "open"
    due_at: UtcDatetime | None = None
    priority: TaskPriority = "normal"


class _Settings(Contract):
    timezone: TimeZoneName | None = None
    language: Language | None = None


class _Event(Contract):
    title: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    timezone: TimeZoneName
    is_all_day: bool = False
    location: str = ""


def describe_effect(effect: EffectRead, context: TextContext) -> str:
    """Return one line, like "✓ Task: buy milk" or "↩ Task removed: buy milk"."""
    mark = "✓" if effect.undoes is None else "↩"
    title, describe = _DESCRIBERS[effect.kind.partition("_")[0]]
    try:
        return f"{mark} {describe(effect, context)}"
    except ValidationError:
        log.error("effect unreadable", effect=str(effect.id), kind=effect.kind)
        return f"{mark} {context.translation.gettext(title)}"


def _describe_reminder(effect: EffectRead, context: TextContext) -> str:
    """Return a line like "Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna"."""
    reminder = ReminderFacts.model_validate(effect.after or effect.before)
    title = _choose_title(REMINDER_TITLES[effect.kind, reminder.type], effect, context)
    return f"{title}: {describe_reminder(reminder, context)}"


def _describe_task(effect: EffectRead, context: TextContext) -> str:
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
    details = [shorten(task.title)]
    if task.due_at is not None and task.status == "open":
        details.append(gettext("due {time}").format(time=format_due(task.due_at, context)))
    elif task.due_at is None and before.due_at is not None:
        details.append(gettext("no longer due"))
    if task.priority != before.priority:
        details.append(gettext(PRIORITY_LABELS[task.priority]))
    return f"{_choose_title(titles, effect, context)}: {', '.join(filter(None, details))}"


def _describe_event(effect: EffectRead, context: TextContext) -> str:
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
    name = ", ".join(map(shorten, filter(None, (event.title, event.location))))
    return f"{_choose_title(EVENT_TITLES[effect.kind], effect, context)}: {time} — {name}"


def _describe_settings(effect: EffectRead, context: TextContext) -> str:
    """Return a line like "Time zone: Europe/Lisbon, it is 14:05 there"."""
    before = _Settings.model_validate(effect.before or {})
    after = _Settings.model_validate(effect.after)
    changes = []
    if after.timezone != before.timezone:
        changes.append(_describe_timezone(after.timezone, context))
    if after.language != before.language:
        changes.append(_describe_language(after.language, context))
    return "; ".join(changes) or context.translation.gettext("Settings")


def _describe_timezone(timezone: str | None, context: TextContext) -> str:
    if timezone is None:
        return context.translation.gettext("Time zone: not chosen")
    text = context.translation.gettext("Time zone: {timezone}, it is {time} there")
    return text.format(timezone=timezone, time=format_present_time(timezone, context))


def _describe_language(language: Language | None, context: TextContext) -> str:
    if language is None:
        return context.translation.gettext("Language: as in Telegram")
    return context.translation.gettext("Language: {name}").format(name=LANGUAGE_NAMES[language])


_DESCRIBERS: dict[str, tuple[str, Callable[[EffectRead, TextContext], str]]] = {
    "reminder": (N_("Reminder"), _describe_reminder),
    "task": (N_("Task"), _describe_task),
    "event": (N_("Event"), _describe_event),
    "settings": (N_("Settings"), _describe_settings),
}
"""By the first word of an effect's kind: its title if the describer raises ValidationError."""


def _choose_title(titles: Titles, effect: EffectRead, context: TextContext) -> str:
    title, undo_title = titles
    return context.translation.gettext(title if effect.undoes is None else undo_title)
