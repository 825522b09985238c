"""Describes cron expressions in a few words, without the time of day or the date."""

import re

from .translations import N_, Translation

_DAY = r"(?:[0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
_MONTH = r"(?:\d+|[A-Z]{3})"

_SIMPLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\* \* \* \* \*"), N_("every minute")),
    (re.compile(r"\d+ \* \* \* \*"), N_("hourly")),
    (re.compile(r"\d+ \d+ \* \* \*"), N_("daily")),
    (re.compile(r"\d+ \d+ \* \* (?:1-5|MON-FRI)"), N_("on weekdays")),
    (re.compile(r"\d+ \d+ \* \* (?:0,6|6,0|6,7|6-7|SAT,SUN|SUN,SAT|SAT-SUN)"), N_("at weekends")),
    (re.compile(rf"\d+ \d+ \* \* {_DAY}"), N_("weekly")),
    (re.compile(r"\d+ \d+ (?:\d+|L) \* \*"), N_("monthly")),
    (re.compile(rf"\d+ \d+ \d+ {_MONTH} \*"), N_("yearly")),
)
_MINUTES = re.compile(r"\*/(\d+) \* \* \* \*")
_HOURS = re.compile(r"\d+ \*/(\d+) \* \* \*")


def describe_recurrence(expression: str, translation: Translation) -> str:
    """Describe an expression like "weekly"; show it literally if it has no simple name."""
    fields = " ".join(expression.upper().split())
    for pattern, name in _SIMPLE:
        if pattern.fullmatch(fields):
            return translation.gettext(name)
    if found := _MINUTES.fullmatch(fields):
        count = int(found[1])
        return translation.ngettext("every {count} minute", "every {count} minutes", count).format(
            count=count
        )
    if found := _HOURS.fullmatch(fields):
        count = int(found[1])
        return translation.ngettext("every {count} hour", "every {count} hours", count).format(
            count=count
        )
    return translation.gettext("repeating: {expression}").format(expression=expression)
