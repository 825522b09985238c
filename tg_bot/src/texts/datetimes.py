"""Formats points in time, and how often something recurs, for users."""

import re
from datetime import datetime

from babel.dates import format_datetime

from smart_kit.settings import Language

from .translations import N_, Translation

_DAY = r"(?:[0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
_MONTH = r"(?:\d+|[A-Z]{3})"

_RECURRENCES = {
    r"\* \* \* \* \*": N_("every minute"),
    r"\d+ \* \* \* \*": N_("hourly"),
    r"\d+ \d+ \* \* \*": N_("daily"),
    r"\d+ \d+ \* \* (?:1-5|MON-FRI)": N_("on weekdays"),
    r"\d+ \d+ \* \* (?:0,6|6,0|6,7|6-7|SAT,SUN|SUN,SAT|SAT-SUN)": N_("at weekends"),
    rf"\d+ \d+ \* \* {_DAY}": N_("weekly"),
    r"\d+ \d+ (?:\d+|L) \* \*": N_("monthly"),
    rf"\d+ \d+ \d+ {_MONTH} \*": N_("yearly"),
}
"""By the pattern of the cron expression."""


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


def describe_recurrence(expression: str, translation: Translation) -> str:
    """Describe a cron expression without time of day and date, like "weekly".

    An expression that has no simple name is shown literally.
    """
    fields = " ".join(expression.upper().split())
    for pattern, name in _RECURRENCES.items():
        if re.fullmatch(pattern, fields):
            return translation.gettext(name)
    if found := re.fullmatch(r"\*/(\d+) \* \* \* \*", fields):
        count = int(found[1])
        text = translation.ngettext("every {count} minute", "every {count} minutes", count)
        return text.format(count=count)
    if found := re.fullmatch(r"\d+ \*/(\d+) \* \* \*", fields):
        count = int(found[1])
        text = translation.ngettext("every {count} hour", "every {count} hours", count)
        return text.format(count=count)
    return translation.gettext("repeating: {expression}").format(expression=expression)


def _date_pattern(local: datetime, now: datetime) -> str:
    return "EEE d MMM" if local.year == now.astimezone(local.tzinfo).year else "EEE d MMM y"


def _time_pattern(local: datetime) -> str:
    return "HH:mm:ss" if local.second else "HH:mm"
