"""Reads out of a cron expression how often it fires."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import time

from .recurrence import LAST, Recurrence

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_TERM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/([1-9]\d*))?")


def parse_cron(expression: str) -> Recurrence | None:
    """Return what five cron fields say; None if it is not simple."""
    fields = expression.upper().split()
    if len(fields) != 5:
        return None
    minute, hour, *days = fields
    if days == ["*", "*", "*"] and (recurrence := _parse_interval(minute, hour)):
        return recurrence
    minutes, hours = _parse_field(minute, 0, 59), _parse_field(hour, 0, 23)
    found = _parse_days(*days)
    if found is None or not minutes or not hours:
        return None
    times = tuple(time(hour, minute) for hour in hours for minute in minutes)
    recurrence = replace(found, times=times)
    return recurrence if recurrence.is_simple else None


def _parse_interval(minute: str, hour: str) -> Recurrence | None:
    """Return what fires day and night at equal intervals."""
    if hour == "*" and minute.isdecimal():
        return Recurrence("hour")
    if hour == "*" and (step := _parse_step(minute, 60)):
        return Recurrence("minute", step)
    if minute.isdecimal() and (step := _parse_step(hour, 24)):
        return Recurrence("hour", step)
    return None


def _parse_step(field: str, size: int) -> int | None:
    """Return the interval of `*` or `*/15`; None if it changes at the end of the hour or day."""
    found = re.fullmatch(r"\*(?:/([1-9]\d?))?", field)
    step = int(found[1] or 1) if found else size
    return step if found and size % step == 0 else None


def _parse_days(day: str, month: str, weekday: str) -> Recurrence | None:
    if day == month == "*":
        return Recurrence("day") if weekday == "*" else _parse_weekdays(weekday)
    if weekday != "*":
        return None
    days = [LAST] if day == "L" else _parse_field(day, 1, 31)
    if month == "*" and days:
        return Recurrence("month", month_days=tuple(days))
    is_date = day.isdecimal() and re.fullmatch(r"\d+|[A-Z]{3}", month)
    return Recurrence("year") if is_date else None


def _parse_weekdays(field: str) -> Recurrence | None:
    """Parse `1-5` or `MON,WED`, `1#1` for the first Monday, or `5L` for the last Friday."""
    found = re.fullmatch(r"(\w+)#([1-5])|([0-7])L", field)
    days = _parse_field((found[1] or found[3]) if found else field, 0, 7, _DAYS)
    if not days:
        return None
    weekdays = tuple(sorted({(day - 1) % 7 for day in days}))
    if found is None:
        return Recurrence("week", weekdays=weekdays)
    return Recurrence("month", weekdays=weekdays, occurrence=int(found[2] or LAST))


def _parse_field(field: str, low: int, high: int, names: Sequence[str] = ()) -> list[int] | None:
    """Return the numbers that a field lists, in order; None if it says anything else."""
    terms = [_parse_term(term, low, high, names) for term in field.split(",")]
    numbers = {number for term in terms for number in term}
    return sorted(numbers) if all(terms) and numbers <= {*range(low, high + 1)} else None


def _parse_term(term: str, low: int, high: int, names: Sequence[str]) -> range:
    """Return the numbers of `5`, `MON`, `1-5`, `9-17/2` or `*/2`; none if it is anything else."""
    found = _TERM.fullmatch(term)
    first, last, step = found.groups() if found else ("", None, None)
    begin = low if first == "*" else _parse_number(first, names)
    if last is not None:
        end = _parse_number(last, names)
    else:
        end = high if step or first == "*" else begin
    return range(0) if begin is None or end is None else range(begin, end + 1, int(step or 1))


def _parse_number(text: str, names: Sequence[str]) -> int | None:
    if text in names:
        return names.index(text)
    return int(text) if text.isdecimal() else None
