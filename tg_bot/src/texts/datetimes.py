"""Formats points in time for users."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from smart_kit.settings import Language

from .text_context import TextContext


def format_local_datetime(local: datetime, language: Language, now: datetime) -> str:
    """Format like "Fri 27 Nov 09:00"; seconds and year only if they are not the default."""
    pattern = f"{_date_pattern(local, now)} {_time_pattern(local)}"
    return format_datetime(local, pattern, locale=language)


def format_date(local: datetime, language: Language, now: datetime) -> str:
    """Format like "Fri 27 Nov"."""
    return format_datetime(local, _date_pattern(local, now), locale=language)


def format_time(local: datetime, language: Language, now: datetime) -> str:
    """Format like "09:00"; with the date if it is not the date of `now`."""
    if local.date() != now.astimezone(local.tzinfo).date():
        return format_local_datetime(local, language, now)
    return format_datetime(local, _time_pattern(local), locale=language)


def format_moment(moment: datetime, timezone: str, context: TextContext) -> str:
    """Format like "Fri 27 Nov 09:00 Europe/Berlin"."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{format_local_datetime(local, context.translation.language, context.now)} {timezone}"


def format_due(moment: datetime, context: TextContext) -> str:
    """Format the due time of a task in the user's time zone."""
    local = moment.astimezone(ZoneInfo(context.timezone))
    if (local.hour, local.minute) == (23, 59):  # our convention for "any time that day"
        return format_date(local, context.translation.language, context.now)
    return format_moment(moment, context.timezone, context)


def format_present_time(timezone: str, context: TextContext) -> str:
    """Return what clocks show in a zone now, like "14:05"."""
    return f"{context.now_in(timezone):%H:%M}"


def _date_pattern(local: datetime, now: datetime) -> str:
    return "EEE d MMM" if local.year == now.astimezone(local.tzinfo).year else "EEE d MMM y"


def _time_pattern(local: datetime) -> str:
    return "HH:mm:ss" if local.second else "HH:mm"
