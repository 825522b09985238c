"""Receipts of calendar events."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.effects import EffectKind, EffectRead
from smart_kit.settings import TimeZoneName

from ..moments import format_date, format_moment, format_time
from ..translations import N_
from .reader import Reader, shorten

EVENT_WORDS: dict[EffectKind, str] = {
    "event_created": N_("Event"),
    "event_changed": N_("Event changed"),
    "event_cancelled": N_("Event cancelled"),
}
EVENT_UNDO_WORDS: dict[EffectKind, str] = {
    "event_created": N_("Event restored"),
    "event_changed": N_("Event changed back"),
    "event_cancelled": N_("Event taken back"),
}
"""Of an effect that takes another back."""


class _Event(Contract):
    """What a receipt needs of an event; the rest of it may change."""

    title: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime
    timezone: TimeZoneName
    is_all_day: bool = False
    location: str = ""


def describe_event(effect: EffectRead, reader: Reader) -> str:
    """Like "Event: Fri 27 Nov 09:00–10:30 Europe/Berlin — dentist, Main Street 1".

    Raises ValidationError where the facts cannot be read.
    """
    event = _Event.model_validate(effect.after or effect.before)
    names = EVENT_WORDS if effect.undoes is None else EVENT_UNDO_WORDS
    what = reader.words.gettext(names[effect.kind])
    name = ", ".join(map(shorten, filter(None, (event.title, event.location))))
    when = _days(event, reader) if event.is_all_day else _hours(event, reader)
    return f"{what}: {when} — {name}"


def _hours(event: _Event, reader: Reader) -> str:
    zone, language = ZoneInfo(event.timezone), reader.language
    begin = format_moment(event.starts_at, zone, language, reader.now)
    end = format_time(event.ends_at, zone, language, event.starts_at)
    return f"{begin}–{end} {event.timezone}"


def _days(event: _Event, reader: Reader) -> str:
    """The last one is the one before its end, which is a midnight."""
    zone = ZoneInfo(event.timezone)
    days = (event.starts_at, event.ends_at - timedelta(hours=1))
    named = (format_date(day, zone, reader.language, reader.now) for day in days)
    return "–".join(dict.fromkeys(named))
