"""Converts between UTC and the user's local time, in which models give and get times."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from smart_kit import local_time
from smart_kit.errors import InvalidInputError, InvalidRequest

_END_OF_DAY = time(23, 59)


def to_utc(given: datetime, zone: ZoneInfo, argument: str) -> datetime:
    """Return the instant in UTC; a time without an offset is local (see local_time.to_utc).

    Raises InvalidInputError, which names the argument, for a time beyond the calendar.
    """
    try:
        return local_time.to_utc(given, zone.key)
    except InvalidRequest as error:
        raise InvalidInputError(f"`{argument}` is beyond the calendar.") from error


def to_utc_end_of_day(given: datetime | date, zone: ZoneInfo, argument: str) -> datetime:
    """Return the instant in UTC; a date without a time means its last minute."""
    moment = given if isinstance(given, datetime) else datetime.combine(given, _END_OF_DAY)
    return to_utc(moment, zone, argument)


def format_local(moment: datetime, zone: ZoneInfo) -> str:
    """Return the local time, for a model: “Sat 2026-11-21 13:24”."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"
