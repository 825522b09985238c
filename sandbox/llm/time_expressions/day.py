"""Days: “tomorrow”, “on Friday”, “next Monday”, “5 декабря”, “15 числа”, “2026-12-05”."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.spans import Span
from sandbox.llm.time_expressions.vocabulary import MONTH_PATTERN, WEEKDAY_PATTERN

_RELATIVE_DAYS = {
    r"(?i)\b(?:the )?day after tomorrow\b|\b(?:на )?послезавтра\b": 2,
    r"(?i)\b(?:tomorrow|tmrw|(?:на )?завтра)\b": 1,
    r"(?i)\b(?:today|tonight|(?:на )?сегодня)\b": 0,
    r"(?i)\b(?:yesterday|вчера)\b": -1,
}
_NEXT = r"next(?: week on| week)?|(?:в|на) следующ\w+(?: неделе (?:в|во))?"
_WEEKDAY = re.compile(
    rf"(?i)\b(?:(?P<next>{_NEXT})|on|by|until|till|this|в|во|до|ко?|на|в эт\w+)\s+"
    rf"(?P<weekday>{WEEKDAY_PATTERN})\b(?P<next_week> next week| на следующей неделе)?"
)
_BARE_WEEKDAY = re.compile(
    rf"(?i)\b(?:(?<=remind me )|(?<=remind us ))(?P<weekday>{WEEKDAY_PATTERN})\b"
    rf"|\b(?P<weekday2>{WEEKDAY_PATTERN})\b(?= (?:at|remind|morning|afternoon|evening|\d))"
)
_NEXT_WEEK = re.compile(r"(?i)\b(?:next week|на следующей неделе)\b")
_ISO = re.compile(r"\b(?:on\s+)?(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\b[T ]?")
_DOTTED = re.compile(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})(?:\.(?P<year>\d{4})\b|\.(?=\s)|\b)")
NAMED_DATE_PATTERN = (
    r"(?:on\s+)?(?:the\s+)?(?P<day>\d{1,2}(?:st|nd|rd|th|-?го)?|первого)\s+(?:of\s+)?"
    rf"(?P<month>{MONTH_PATTERN})\b(?:,?\s+(?P<year>\d{{4}})(?:\s+года)?\b)?"
    rf"|(?:on\s+)?(?P<month2>{MONTH_PATTERN})\s+(?:the\s+)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"(?:,\s*(?P<year2>\d{4})\b)?"
)
_NAMED_DATE = re.compile(rf"(?i)\b(?:{NAMED_DATE_PATTERN})")
_DAY_OF_MONTH = re.compile(
    r"(?i)\b(?:on\s+)?the\s+(?P<day>\d{1,2})(?:st|nd|rd|th)\b"
    r"(?: of (?:this|(?P<next>next)) month)?(?!\s+(?:of|time)\b)"
    r"|\b(?P<day2>\d{1,2})(?:-?го)?\s+числа\b(?: этого месяца|(?P<next2> следующего месяца))?"
)
_DAY_PART = re.compile(rf"(?i)\b(?:{vocabulary.DAY_PART_PATTERN})\b")


@dataclass(frozen=True)
class DayReference:
    """A date and its spans in the text."""

    date: date
    spans: tuple[Span, ...]
    hour: int | None = None
    """The hour of a part of the day (“tomorrow evening”)."""
    is_weekday: bool = False
    is_explicit: bool = True
    """False if the text names no day, or only a part of the day."""


def find_day(text: str, today: date) -> DayReference:
    """Return the day that a text names, else today."""
    hour, spans = find_day_part(text)
    for pattern, ahead in _RELATIVE_DAYS.items():
        if found := re.search(pattern, text):
            return DayReference(today + timedelta(ahead), (found.span(), *spans), hour)
    if found := _WEEKDAY.search(text) or _BARE_WEEKDAY.search(text):
        day = _to_weekday(found.groupdict(), today)
        return DayReference(day, (found.span(), *spans), hour, is_weekday=True)
    if found := _NEXT_WEEK.search(text):
        monday = today + timedelta(7 - today.weekday())
        return DayReference(monday, (found.span(), *spans), hour)
    for date_pattern in (_ISO, _NAMED_DATE, _DOTTED, _DAY_OF_MONTH):
        for found in date_pattern.finditer(text):
            if named := _to_date(found.groupdict(), today):
                return DayReference(named, (found.span(), *spans), hour)
    return DayReference(today, spans, hour, is_explicit=False)


def find_day_part(text: str) -> tuple[int | None, tuple[Span, ...]]:
    """Return the hour of the first part of the day that a text names, and its span."""
    part = _DAY_PART.search(text)
    return (vocabulary.parse_day_part(part[0]), (part.span(),)) if part else (None, ())


def _to_weekday(given: dict[str, str | None], today: date) -> date:
    """Return the coming such day, today included; “next” means in the next week."""
    weekday = vocabulary.parse_weekday(given["weekday"] or given["weekday2"] or "")
    if given.get("next") or given.get("next_week"):
        return today + timedelta(7 - today.weekday() + weekday)
    return today + timedelta((weekday - today.weekday()) % 7)


def _to_date(given: dict[str, str | None], today: date) -> date | None:
    """Return the date, without a year the next such date; None for an invalid one."""
    day = parse_day_of_month(given["day"] or given.get("day2") or "")
    name = given.get("month") or given.get("month2")
    try:
        if name is None:
            is_next_month = given["next"] or given["next2"]
            return _find_day_of_month(day, _start_next_month(today) if is_next_month else today)
        month = int(name) if name.isdecimal() else vocabulary.parse_month(name)
        if year := given.get("year") or given.get("year2"):
            return date(int(year), month, day)
        return _find_day_of_year(day, month, today)
    except ValueError:
        return None


def _find_day_of_year(day: int, month: int, today: date) -> date:
    """Return the next such day, today included; 29 February may be eight years ahead. Raises
    ValueError for a day that no year has."""
    date(2000, month, day)
    for year in range(today.year, today.year + 9):
        with suppress(ValueError):
            if (found := date(year, month, day)) >= today:
                return found
    raise ValueError("a leap year comes within eight years")


def parse_day_of_month(words: str) -> int:
    """Return the number in “3rd”, “5-го” or “первого”."""
    digits = re.match(r"\d+", words)
    return int(digits[0]) if digits else vocabulary.parse_ordinal(words)


def _start_next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(31)).replace(day=1)


def _find_day_of_month(day: int, start: date) -> date:
    """Return the next day of this number, `start` included. Raises ValueError above 31."""
    date(2000, 1, day)
    while start.day != day:
        start += timedelta(1)
    return start
