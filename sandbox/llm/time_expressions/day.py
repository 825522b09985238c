"""Days: “tomorrow”, “on Friday”, “5 декабря”, “2026-12-05”."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.vocabulary import MONTH_PATTERN, WEEKDAY_PATTERN

_RELATIVE_DAYS = {
    r"(?i)\b(?:the )?day after tomorrow\b|\bпослезавтра\b": 2,
    r"(?i)\b(?:tomorrow|завтра)\b": 1,
    r"(?i)\b(?:today|tonight|сегодня)\b": 0,
}
_WEEKDAY = re.compile(
    r"(?i)\b(?:(?:on|by|until|till|this|next|в|во|до|ко?|на|в следующ\w+|в эт\w+)\s+)"
    rf"(?P<weekday>{WEEKDAY_PATTERN})\b"
)
_ISO = re.compile(r"\b(?:on\s+)?(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\b[T ]?")
_DOTTED = re.compile(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})(?:\.(?P<year>\d{4}))?\b")
_NAMED_DATE = re.compile(
    r"(?i)\b(?:on\s+)?(?:the\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?"
    rf"(?P<month>{MONTH_PATTERN})\b(?:,?\s+(?P<year>\d{{4}}))?"
    rf"|\b(?:on\s+)?(?P<month2>{MONTH_PATTERN})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b"
)
_DAY_PART = re.compile(rf"(?i)\b(?:{vocabulary.DAY_PART_PATTERN})\b")


@dataclass(frozen=True)
class DayReference:
    """A date and its spans in the text."""

    date: date
    spans: tuple[tuple[int, int], ...]
    hour: int | None = None
    """The hour of a part of the day (“tomorrow evening”)."""
    is_weekday: bool = False
    is_explicit: bool = True
    """False if the text names no day, or only a part of the day."""


def find_day(text: str, today: date) -> DayReference:
    """Return the day that a text names, else today."""
    part = _DAY_PART.search(text)
    hour = vocabulary.find_day_part_hour(part[0]) if part else None
    spans = (part.span(),) if part else ()
    for pattern, ahead in _RELATIVE_DAYS.items():
        if found := re.search(pattern, text):
            return DayReference(today + timedelta(ahead), (found.span(), *spans), hour)
    if found := _WEEKDAY.search(text):
        ahead = (vocabulary.parse_weekday(found["weekday"]) - today.weekday()) % 7
        day = today + timedelta(ahead)
        return DayReference(day, (found.span(), *spans), hour, is_weekday=True)
    for date_pattern in (_ISO, _NAMED_DATE, _DOTTED):
        for found in date_pattern.finditer(text):
            if named := _to_date(found.groupdict(), today):
                return DayReference(named, (found.span(), *spans), hour)
    return DayReference(today, spans, hour, is_explicit=False)


def _to_date(given: dict[str, str | None], today: date) -> date | None:
    """Return the date, without a year the next such date; None for an invalid one."""
    day = int(given["day"] or given.get("day2") or 0)
    name = given["month"] or given.get("month2") or ""
    month = int(name) if name.isdecimal() else vocabulary.parse_month(name)
    try:
        if year := given["year"]:
            return date(int(year), month, day)
        this_year = date(today.year, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)
    except ValueError:
        return None
