"""Reads out of a recurrence rule of RFC 5545 how often it fires."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from .recurrence import LAST, Recurrence, Unit

_UNITS: dict[str, Unit] = {
    "MINUTELY": "minute",
    "HOURLY": "hour",
    "DAILY": "day",
    "WEEKLY": "week",
    "MONTHLY": "month",
    "YEARLY": "year",
}
_PARTS = {
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"),
    *("BYMONTH", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE"),
}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NUMBERED_DAY = re.compile(rf"(-1|\+?[1-5])?({'|'.join(_DAYS)})")


def parse_rule(rule: str) -> Recurrence | None:
    """Return what a rule says; None if it is not simple."""
    text = rule.upper().strip().removeprefix("RRULE:").rstrip(";")
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    if not parts.keys() <= _PARTS:
        return None
    try:
        found = _parse_days(parts)
        recurrence = found and _complete(found, parts)
    except (KeyError, ValueError):  # not a rule that rest_service accepts
        return None
    return recurrence if recurrence and recurrence.is_simple else None


def _complete(days: Recurrence, parts: Mapping[str, str]) -> Recurrence | None:
    """Add interval, times and end. Raises ValueError for what is no rule."""
    hours, minutes = _parse_numbers(parts, "BYHOUR"), _parse_numbers(parts, "BYMINUTE")
    if max(len(hours), len(minutes)) > 1 and not (hours and minutes):
        return None  # the times depend on the start of the rule
    return replace(
        days,
        interval=int(parts.get("INTERVAL", 1)),
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        count=int(parts["COUNT"]) if "COUNT" in parts else None,
        until=_parse_until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _parse_days(parts: Mapping[str, str]) -> Recurrence | None:
    """Return unit and days. Raises KeyError or ValueError for what is no rule."""
    unit, weekdays = _UNITS[parts["FREQ"]], _parse_weekdays(parts)
    month_days = tuple(_parse_numbers(parts, "BYMONTHDAY"))
    if unit == "year":
        is_date = len(month_days) == len(_parse_numbers(parts, "BYMONTH")) <= 1
        return Recurrence("year") if is_date and not weekdays else None
    if "BYMONTH" in parts or not all(day == LAST or day > 0 for day in month_days):
        return None
    if unit == "month":
        return _parse_days_of_month(weekdays, month_days)
    plain = tuple(sorted(day for number, day in weekdays if number is None))
    if month_days or len(plain) < len(weekdays):
        return None
    if unit == "day" and plain:
        return Recurrence("week", weekdays=plain) if parts.get("INTERVAL", "1") == "1" else None
    return Recurrence(unit, weekdays=plain)


def _parse_days_of_month(
    weekdays: list[tuple[int | None, int]], month_days: tuple[int, ...]
) -> Recurrence | None:
    if not weekdays:
        return Recurrence("month", month_days=month_days)
    [(number, day), *others] = weekdays
    if number is None or others or month_days:
        return None
    return Recurrence("month", weekdays=(day,), occurrence=number)


def _parse_weekdays(parts: Mapping[str, str]) -> list[tuple[int | None, int]]:
    """Return number, if any, and weekday of each day like `FR` or `-1FR`. Raises ValueError."""
    days = []
    for text in filter(None, parts.get("BYDAY", "").split(",")):
        found = _NUMBERED_DAY.fullmatch(text)
        if found is None:
            raise ValueError(text)
        days.append((int(found[1]) if found[1] else None, _DAYS.index(found[2])))
    return days


def _parse_numbers(parts: Mapping[str, str], name: str) -> list[int]:
    return [int(number) for number in parts.get(name, "").split(",") if number]


def _parse_until(text: str) -> datetime:
    """Return when a rule ends. Raises ValueError."""
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if "T" in text:
        return datetime.strptime(text, "%Y%m%dT%H%M%S")
    return datetime.strptime(text, "%Y%m%d") + timedelta(days=1, seconds=-1)
