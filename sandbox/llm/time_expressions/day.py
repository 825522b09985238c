"""Days: “tomorrow”, “on Friday”, “5 декабря”, “2026-12-05”."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.llm.time_expressions.vocabulary import (
    DAY_PART_HOURS,
    MONTH_PATTERN,
    WEEKDAY_PATTERN,
    find_day_part_hour,
    parse_month,
    parse_weekday,
)

_RELATIVE = (
    (2, re.compile(r"\b(?:the )?day after tomorrow\b|\bпослезавтра\b", re.IGNORECASE)),
    (1, re.compile(r"\btomorrow\b|\bзавтра\b", re.IGNORECASE)),
    (0, re.compile(r"\btoday\b|\btonight\b|\bсегодня\b", re.IGNORECASE)),
)
_WEEKDAY = re.compile(
    r"\b(?:(?:on|by|until|till|this|next|в|во|до|ко?|на|в следующ\w+|в эт\w+)\s+)"
    rf"(?P<weekday>{WEEKDAY_PATTERN})\b",
    re.IGNORECASE,
)
_ISO = re.compile(r"\b(?:on\s+)?(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\b[T ]?")
_DOTTED = re.compile(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})(?:\.(?P<year>\d{4}))?\b")
_NAMED_DATE = re.compile(
    rf"\b(?:on\s+)?(?:the\s+)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{MONTH_PATTERN})\b"
    rf"(?:,?\s+(?P<year>\d{{4}}))?"
    rf"|\b(?:on\s+)?(?P<month2>{MONTH_PATTERN})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)
_DAY_PART = re.compile(rf"\b(?:{'|'.join(part for _, part in DAY_PART_HOURS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class DayReference:
    """A date and its spans in the text."""

    date: date
    spans: tuple[tuple[int, int], ...]
    is_weekday: bool = False
    hour: int | None = None
    """The hour of a part of the day (“tomorrow evening”)."""
    is_explicit: bool = True
    """False where the text names only a part of the day."""


def find_day(text: str, today: date) -> DayReference | None:
    """Return the day that a text names, or None."""
    part = _DAY_PART.search(text)
    spans = (part.span(),) if part else ()
    hour = find_day_part_hour(part[0]) if part else None
    for ahead, pattern in _RELATIVE:
        found = pattern.search(text)
        if found:
            return DayReference(today + timedelta(days=ahead), (found.span(), *spans), hour=hour)
    found = _WEEKDAY.search(text)
    if found:
        ahead = (parse_weekday(found["weekday"]) - today.weekday()) % 7
        date_ = today + timedelta(days=ahead)
        return DayReference(date_, (found.span(), *spans), is_weekday=True, hour=hour)
    named = _find_calendar_date(text, today)
    if named:
        return DayReference(named[0], (named[1], *spans), hour=hour)
    return DayReference(today, spans, hour=hour, is_explicit=False) if spans else None


def _find_calendar_date(text: str, today: date) -> tuple[date, tuple[int, int]] | None:
    for pattern in (_ISO, _NAMED_DATE, _DOTTED):
        for found in pattern.finditer(text):
            day = _to_date(found.groupdict(), today)
            if day:
                return day, found.span()
    return None


def _to_date(given: dict[str, str | None], today: date) -> date | None:
    """Return the date, without a year the next such date; None for an invalid one."""
    day = int(given.get("day") or given.get("day2") or 0)
    name = given.get("month") or given.get("month2") or ""
    number = int(name) if name.isdecimal() else parse_month(name)
    try:
        if given.get("year"):
            return date(int(given["year"] or 0), number, day)
        this_year = date(today.year, number, day)
        return this_year if this_year >= today else date(today.year + 1, number, day)
    except ValueError:
        return None
