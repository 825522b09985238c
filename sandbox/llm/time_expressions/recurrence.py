"""Recurrences as cron fields: “every day at 9”, “по будням в 8:30”, “every 15 minutes”."""

import re
from dataclasses import dataclass

from sandbox.llm.time_expressions.time_of_day import TimeOfDay
from sandbox.llm.time_expressions.vocabulary import (
    NUMBER_PATTERN,
    WEEKDAY_PATTERN,
    find_day_part_hour,
    parse_number,
    parse_unit_seconds,
    parse_weekday,
)

_EVERY = r"(?:every|each|кажд(?:ый|ую|ое|ые|ого))"
_INTERVAL = re.compile(
    rf"\b{_EVERY}\s+(?:(?P<number>{NUMBER_PATTERN})\s+)?"
    r"(?P<unit>minutes?|mins?|hours?|минут\w*|час(?:а|ов)?)\b"
    r"|\b(?P<hourly>hourly|ежечасно)\b",
    re.IGNORECASE,
)
_WEEKDAYS = re.compile(
    rf"\b(?:(?:on|{_EVERY})\s+(?:weekdays?|workdays?|working days?|будний день|будни|рабочий день)"
    r"|по будням|по рабочим дням)\b",
    re.IGNORECASE,
)
_WEEKEND = re.compile(
    rf"\b(?:(?:on|{_EVERY})\s+(?:weekends?|выходн\w+)|по выходным)\b", re.IGNORECASE
)
_NAMED_WEEKDAYS = re.compile(
    rf"\b(?:{_EVERY}|по|on)\s+(?P<first>{WEEKDAY_PATTERN})\b"
    rf"(?P<more>(?:\s*(?:,|and|и)\s*(?:по\s+)?(?:{WEEKDAY_PATTERN})\b)*)",
    re.IGNORECASE,
)
_MONTHLY = re.compile(
    rf"\b(?:{_EVERY}\s+(?P<day>\d{{1,2}})(?:-?[её]|-?го)?\s+числ\w+"
    rf"|(?:{_EVERY}\s+(?:month|месяц)|monthly|ежемесячно)"
    r"(?:\s+(?:on the|on)?\s*(?P<day2>\d{1,2})(?:st|nd|rd|th|-?го)?(?:\s+числ\w+)?)?)(?!\w)",
    re.IGNORECASE,
)
_WEEKLY = re.compile(rf"\b(?:{_EVERY}\s+(?:week|неделю)|weekly|еженедельно)\b", re.IGNORECASE)
_DAILY = re.compile(
    rf"\b(?:{_EVERY}\s+(?:day|morning|afternoon|evening|night|день|утро|вечер|ночь)"
    r"|daily|ежедневно|по утрам|по вечерам)\b(?:\s+(?:утром|днём|вечером))?",
    re.IGNORECASE,
)
_PLURAL_OR_EVERY = re.compile(rf"^(?:{_EVERY}|по)\s|s\b", re.IGNORECASE)


@dataclass(frozen=True)
class Recurrence:
    """The three day fields of cron, or a whole cron line, and the spans in the text."""

    day_fields: str
    spans: tuple[tuple[int, int], ...]
    cron_line: str = ""
    hour: int = 9

    def to_cron(self, clock: TimeOfDay | None) -> str:
        """Return a cron line; without a time, at nine or at the hour of the part of the day."""
        if self.cron_line:
            return self.cron_line
        if clock is None:
            return f"0 {self.hour} {self.day_fields}"
        return f"{clock.minute} {clock.resolve_in_day_part(self.hour).hour} {self.day_fields}"


def find_recurrence(text: str) -> Recurrence | None:
    """Return the recurrence that a text names, or None."""
    step = _INTERVAL.search(text)
    if step:
        return _parse_interval(step)
    named = _NAMED_WEEKDAYS.search(text)
    if named and _PLURAL_OR_EVERY.search(named[0]):
        names = re.findall(rf"\b(?:{WEEKDAY_PATTERN})\b", named[0], re.IGNORECASE)
        numbers = sorted({(parse_weekday(name) + 1) % 7 for name in names})
        return Recurrence(f"* * {','.join(map(str, numbers))}", (named.span(),))
    for pattern, days in ((_WEEKDAYS, "* * 1-5"), (_WEEKEND, "* * 0,6"), (_WEEKLY, "* * 1")):
        found = pattern.search(text)
        if found:
            return Recurrence(days, (found.span(),))
    monthly = _MONTHLY.search(text)
    if monthly:
        return Recurrence(f"{monthly['day'] or monthly['day2'] or 1} * *", (monthly.span(),))
    daily = _DAILY.search(text)
    if daily:
        hour = find_day_part_hour(daily[0].replace("утрам", "утром").replace("вечерам", "вечером"))
        return Recurrence("* * *", (daily.span(),), hour=hour or 9)
    return None


def _parse_interval(found: re.Match[str]) -> Recurrence:
    count = parse_number(found["number"]) if found["number"] else 1
    is_hours = bool(found["hourly"]) or parse_unit_seconds(found["unit"]) == 3600
    every = "*" if count == 1 else f"*/{count}"
    line = f"0 {every} * * *" if is_hours else f"{every} * * * *"
    return Recurrence("", (found.span(),), cron_line=line)
