"""Formats points in time for users."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from smart_kit.settings import Language


def format_local_datetime(
    moment: datetime, zone: ZoneInfo, language: Language, now: datetime
) -> str:
    """Format like "Fri 27 Nov 09:00"; seconds and year only if they are not the default."""
    local = moment.astimezone(zone)
    pattern = f"{_date_pattern(local, zone, now)} {_time_pattern(local)}"
    return format_datetime(local, pattern, locale=language)


def format_date(moment: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """Format like "Fri 27 Nov"."""
    local = moment.astimezone(zone)
    return format_datetime(local, _date_pattern(local, zone, now), locale=language)


def is_end_of_day(moment: datetime, zone: ZoneInfo) -> bool:
    """Return whether the moment is 23:59 local time, our convention for "any time that day"."""
    local = moment.astimezone(zone)
    return (local.hour, local.minute) == (23, 59)


def format_time(moment: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """Format like "09:00"; with the date if it is not the date of `now`."""
    local = moment.astimezone(zone)
    if local.date() != now.astimezone(zone).date():
        return format_local_datetime(moment, zone, language, now)
    return format_datetime(local, _time_pattern(local), locale=language)


def _date_pattern(local: datetime, zone: ZoneInfo, now: datetime) -> str:
    return "EEE d MMM" if local.year == now.astimezone(zone).year else "EEE d MMM y"


def _time_pattern(local: datetime) -> str:
    return "HH:mm:ss" if local.second else "HH:mm"
