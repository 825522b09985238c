"""Receipts of calendar events."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import TimeZoneName

from ..datetimes import format_date, format_local_datetime, format_time
from ..translations import N_
from .context import ReceiptContext, truncate

EVENT_TITLES: dict[EffectKind, str] = {
    "event_created": N_("Event"),
    "event_changed": N_("Event changed"),
    "event_cancelled": N_("Event cancelled"),
}
EVENT_UNDO_TITLES: dict[EffectKind, str] = {
    "event_created": N_("Event restored"),
    "event_changed": N_("Event reverted"),
    "event_cancelled": N_("Event removed"),
}
"""For an effect that undoes another."""


class _Event(Contract):
    """The fields of an event that a receipt shows."""

    title: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    timezone: TimeZoneName
    is_all_day: bool = False
    location: str = ""


def describe_event(effect: EffectRead, context: ReceiptContext) -> str:
    """Return a line like "Event: Fri 27 Nov 09:00–10:30 Europe/Berlin — dentist, Main Street 1".

    Raises ValidationError if the record cannot be parsed.
    """
    event = _Event.model_validate(effect.after or effect.before)
    names = EVENT_TITLES if effect.undoes is None else EVENT_UNDO_TITLES
    what = context.translation.gettext(names[effect.kind])
    name = ", ".join(map(truncate, filter(None, (event.title, event.location))))
    when = _format_days(event, context) if event.is_all_day else _format_hours(event, context)
    return f"{what}: {when} — {name}"


def _format_hours(event: _Event, context: ReceiptContext) -> str:
    zone, language = ZoneInfo(event.timezone), context.language
    begin = format_local_datetime(event.starts_at, zone, language, context.now)
    end = format_time(event.ends_at, zone, language, event.starts_at)
    return f"{begin}–{end} {event.timezone}"


def _format_days(event: _Event, context: ReceiptContext) -> str:
    """Format the days. The event ends at midnight after its last day."""
    zone = ZoneInfo(event.timezone)
    days = (event.starts_at, event.ends_at - timedelta(hours=1))
    named = (format_date(day, zone, context.language, context.now) for day in days)
    return "–".join(dict.fromkeys(named))
