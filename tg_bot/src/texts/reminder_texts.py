"""Describes reminders and scheduled requests in one line, for receipts and lists."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.cron_jobs import CronJobType
from smart_kit.settings import TimeZoneName

from .datetimes import format_moment
from .recurrence_texts import describe_recurrence
from .text_context import TextContext

_MAX_TEXT_LENGTH = 80


class ReminderFacts(Contract):
    """The fields of a job that texts show."""

    type: CronJobType = "reminder"
    text: str
    at: UtcDatetime | None = None
    next_fire_at: UtcDatetime | None = None
    cron_expression: str | None = None
    rrule: str | None = None
    timezone: TimeZoneName = "UTC"


def describe_reminder(reminder: ReminderFacts, context: TextContext) -> str:
    """Return a line like "Fri 27 Nov 09:00 Europe/Berlin, weekly — call Anna"."""
    return " — ".join(filter(None, (describe_times(reminder, context), shorten(reminder.text))))


def describe_times(
    reminder: ReminderFacts, context: TextContext, *, hidden_zone: str | None = None
) -> str:
    """Return a text like "Fri 27 Nov 09:00 Europe/Berlin, weekly"; without the zone if hidden."""
    moment = reminder.next_fire_at or reminder.at
    zone = reminder.timezone
    time = format_moment(moment, zone, context) if moment is not None else ""
    if zone == hidden_zone:
        time = time.removesuffix(f" {zone}")
    local = moment.astimezone(ZoneInfo(zone)) if moment is not None else None
    recurrence = describe_recurrence(
        reminder.cron_expression, reminder.rrule, zone, context, next_fire=local
    )
    return ", ".join(filter(None, (time, recurrence)))


def shorten(text: str) -> str:
    """Return the text in one line of limited length."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT_LENGTH else f"{line[: _MAX_TEXT_LENGTH - 1].rstrip()}…"
