"""Intervals: “every 15 minutes”, “каждые два дня”, “every second Friday”, “через день”."""

import re

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.duration import Duration, build_duration, find_duration
from sandbox.llm.time_expressions.recurrences.minutes_and_hours import repeat_minutes
from sandbox.llm.time_expressions.recurrences.recurrence import ADVERB, EVERY, Recurrence
from sandbox.llm.time_expressions.recurrences.weekdays import find_named_weekdays
from sandbox.llm.time_expressions.spans import Span, blank_out
from sandbox.llm.time_expressions.vocabulary import (
    ORDINAL_PATTERN,
    UNIT_PATTERN,
    WEEKDAY_PATTERN,
)

_EVERY = re.compile(rf"(?i)\b(?:(?:{EVERY}|раз в|once (?:every|in))\s+|once\s+(?=an?\s))")
_ONE_WORD = {
    rf"(?i)\b(?:hourly{ADVERB}|ежечасно)\b": (1, "hour"),
    rf"(?i)\b(?:fortnightly|biweekly){ADVERB}": (2, "weeks"),
    rf"(?i)\b(?:{EVERY} (?:quarter|квартал)|quarterly{ADVERB}|once a quarter|ежеквартально"
    r"|раз в квартал)\b": (3, "months"),
}
_ORDINAL = re.compile(
    rf"(?i)\b{EVERY}\s+(?P<ordinal>{ORDINAL_PATTERN})\s+"
    rf"(?P<unit>{WEEKDAY_PATTERN}|{UNIT_PATTERN})\b"
)
_ALTERNATE_WEEKDAY = re.compile(rf"(?i)\bчерез\s+(?P<unit>{WEEKDAY_PATTERN})\b")
_ALTERNATE_DAY = re.compile(r"(?i)\bчерез\s+(?P<unit>день)\b")
_AGAIN_AND_AGAIN = re.compile(r"(?i)\b(?:напомина|присыла|рассказыва|показыва|проверя|сообща)й")
"""“Напомни через день” is a reminder once, “напоминай через день” one on every second day."""
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def find_interval(text: str) -> Recurrence | None:
    """Return the recurrence in equal intervals that a text names, or None.

    Single days, weeks, months and years have other rules, and are left out.
    """
    if found := _ORDINAL.search(text) or _find_alternate(text):
        count = vocabulary.parse_ordinal(found.groupdict().get("ordinal") or "second")
        if re.fullmatch(rf"(?i){WEEKDAY_PATTERN}", found["unit"]):
            weekday = vocabulary.parse_weekday(found["unit"])
            return _repeat_weeks(count, (weekday,), (found.span(),))
        return _repeat(text, build_duration(count, found["unit"], found.span()))
    for pattern, (count, unit) in _ONE_WORD.items():
        if found := re.search(pattern, text):
            return _repeat(text, build_duration(count, unit, found.span()))
    duration = find_duration(text, _EVERY)
    return _repeat(text, duration) if duration else None


def _find_alternate(text: str) -> re.Match[str] | None:
    day = _ALTERNATE_DAY.search(text) if _AGAIN_AND_AGAIN.search(text) else None
    return day or _ALTERNATE_WEEKDAY.search(text)


def _repeat(text: str, interval: Duration) -> Recurrence | None:
    if interval.months:
        rule = f"FREQ=MONTHLY;INTERVAL={interval.months}"
        return Recurrence((interval.span,), rrule=rule) if interval.months not in (1, 12) else None
    if not interval.has_days_only:
        return repeat_minutes(text, interval)
    days = interval.days
    if days % 7 == 0:
        weekdays, spans = find_named_weekdays(blank_out(text, (interval.span,)))
        return _repeat_weeks(days // 7, weekdays, (interval.span, *spans))
    rule = f"FREQ=DAILY;INTERVAL={days}"
    return Recurrence((interval.span,), rrule=rule) if days > 1 else None


def _repeat_weeks(
    count: int, weekdays: tuple[int, ...], spans: tuple[Span, ...]
) -> Recurrence | None:
    if count == 1:
        return None
    rule = f"FREQ=WEEKLY;INTERVAL={count}"
    if weekdays:
        rule += f";BYDAY={','.join(_CODES[day] for day in weekdays)}"
    return Recurrence(spans, rrule=rule, weekdays=weekdays)
