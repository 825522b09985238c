"""Points in time, as a person reads them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from smart_kit.settings import Language


def format_moment(moment: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """Like "Fri 27 Nov 09:00"; seconds and year only where they matter."""
    local = moment.astimezone(zone)
    date = "EEE d MMM" if local.year == now.astimezone(zone).year else "EEE d MMM y"
    return format_datetime(local, f"{date} {_time_pattern(local)}", locale=language)


def format_time(moment: datetime, zone: ZoneInfo, language: Language, now: datetime) -> str:
    """Like "09:00"; with the date where it is not today's."""
    local = moment.astimezone(zone)
    if local.date() != now.astimezone(zone).date():
        return format_moment(moment, zone, language, now)
    return format_datetime(local, _time_pattern(local), locale=language)


def _time_pattern(local: datetime) -> str:
    return "HH:mm:ss" if local.second else "HH:mm"
