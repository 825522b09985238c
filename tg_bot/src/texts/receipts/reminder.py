"""Receipts of reminders and scheduled requests."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import TimeZoneName

from ..datetimes import format_local_datetime
from ..recurrence import describe_recurrence
from ..translations import N_
from .context import ReceiptContext, truncate

REMINDER_TITLES: dict[tuple[EffectKind, CronJobType], str] = {
    ("reminder_created", "reminder"): N_("Reminder"),
    ("reminder_changed", "reminder"): N_("Reminder changed"),
    ("reminder_cancelled", "reminder"): N_("Reminder cancelled"),
    ("reminder_created", "prompt"): N_("Scheduled request"),
    ("reminder_changed", "prompt"): N_("Scheduled request changed"),
    ("reminder_cancelled", "prompt"): N_("Scheduled request cancelled"),
}
REMINDER_UNDO_TITLES: dict[tuple[EffectKind, CronJobType], str] = {
    ("reminder_created", "reminder"): N_("Reminder restored"),
    ("reminder_changed", "reminder"): N_("Reminder reverted"),
    ("reminder_cancelled", "reminder"): N_("Reminder removed"),
    ("reminder_created", "prompt"): N_("Scheduled request restored"),
    ("reminder_changed", "prompt"): N_("Scheduled request reverted"),
    ("reminder_cancelled", "prompt"): N_("Scheduled request removed"),
}
"""For an effect that undoes another."""


class _Reminder(Contract):
    """The fields of a cron job that a receipt shows."""

    type: CronJobType = "reminder"
    text: str
    at: UtcDatetime | None = None
    next_fire_at: UtcDatetime | None = None
    cron_expression: str | None = None
    timezone: TimeZoneName = "UTC"


def describe_reminder(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Reminder: Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna".

    Raises ValidationError if the record cannot be parsed.
    """
    reminder = _Reminder.model_validate(effect.after or effect.before)
    parts = [_format_when(reminder, context)]
    if reminder.cron_expression:
        parts.append(describe_recurrence(reminder.cron_expression, context.translation))
    when = ", ".join(filter(None, parts))
    names = REMINDER_TITLES if effect.undoes is None else REMINDER_UNDO_TITLES
    what = context.translation.gettext(names[effect.kind, reminder.type])
    return (
        f"{what}: {when} — {truncate(reminder.text)}"
        if when
        else f"{what}: {truncate(reminder.text)}"
    )


def _format_when(reminder: _Reminder, context: ReceiptContext) -> str:
    moment = reminder.next_fire_at or reminder.at
    if moment is None:
        return ""
    zone = ZoneInfo(reminder.timezone)
    return (
        f"{format_local_datetime(moment, zone, context.language, context.now)} {reminder.timezone}"
    )
