"""Recurrences as cron fields: “every day at 9”, “по будням в 8:30”, “every 15 minutes”."""

import re
from dataclasses import dataclass

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.vocabulary import NUMBER_PATTERN, WEEKDAY_PATTERN

_AT_TIME = "{minute} {hour}"
_EVERY = r"(?:every|each|кажд(?:ый|ую|ое|ые|ого))"
_INTERVAL = re.compile(
    rf"(?i)\b{_EVERY}\s+(?:(?P<number>{NUMBER_PATTERN})\s+)?"
    r"(?P<unit>minutes?|mins?|hours?|минут\w*|час(?:а|ов)?)\b|\b(?:hourly|ежечасно)\b"
)
_NAMED_WEEKDAYS = re.compile(
    rf"(?i)\b(?:{_EVERY}|по|on)\s+(?:{WEEKDAY_PATTERN})\b"
    rf"(?:\s*(?:,|and|и)\s*(?:по\s+)?(?:{WEEKDAY_PATTERN})\b)*"
)
_PLURAL_OR_EVERY = re.compile(rf"(?i)^(?:{_EVERY}|по)\s|s\b")
_WEEKDAY_GROUPS = {
    rf"(?i)\b(?:(?:on|{_EVERY})\s+(?:weekdays?|workdays?|working days?|будний день|будни"
    r"|рабочий день)|по будням|по рабочим дням)\b": "1-5",
    rf"(?i)\b(?:(?:on|{_EVERY})\s+(?:weekends?|выходн\w+)|по выходным)\b": "0,6",
    rf"(?i)\b(?:{_EVERY}\s+(?:week|неделю)|weekly|еженедельно)\b": "1",
}
_MONTHLY = re.compile(
    rf"(?i)\b(?:{_EVERY}\s+(?P<day>\d{{1,2}})(?:-?[её]|-?го)?\s+числ\w+"
    rf"|(?:{_EVERY}\s+(?:month|месяц)|monthly|ежемесячно)"
    r"(?:\s+(?:on the|on)?\s*(?P<day2>\d{1,2})(?:st|nd|rd|th|-?го)?(?:\s+числ\w+)?)?)(?!\w)"
)
_DAILY = re.compile(
    rf"(?i)\b(?:{_EVERY}\s+(?:day|morning|afternoon|evening|night|день|утро|вечер|ночь)"
    r"|daily|ежедневно|по утрам|по вечерам)\b(?:\s+(?:утром|днём|вечером))?"
)


@dataclass(frozen=True)
class Recurrence:
    """A cron line, perhaps with {minute} and {hour} to fill in, and the span in the text."""

    span: tuple[int, int]
    cron: str
    part_hour: int | None = None
    """The hour of a part of the day (“every evening”)."""


def find_recurrence(text: str) -> Recurrence | None:
    """Return the recurrence that a text names, or None."""
    if found := _INTERVAL.search(text):
        count = vocabulary.parse_number(found["number"] or "1")
        every = "*" if count == 1 else f"*/{count}"
        is_hours = vocabulary.parse_unit_seconds(found["unit"] or "hour") == 3600
        return Recurrence(found.span(), f"0 {every} * * *" if is_hours else f"{every} * * * *")
    if (found := _NAMED_WEEKDAYS.search(text)) and _PLURAL_OR_EVERY.search(found[0]):
        names = re.findall(rf"(?i)\b(?:{WEEKDAY_PATTERN})\b", found[0])
        numbers = sorted({(vocabulary.parse_weekday(name) + 1) % 7 for name in names})
        return Recurrence(found.span(), f"{_AT_TIME} * * {','.join(map(str, numbers))}")
    for pattern, weekdays in _WEEKDAY_GROUPS.items():
        if found := re.search(pattern, text):
            return Recurrence(found.span(), f"{_AT_TIME} * * {weekdays}")
    if found := _MONTHLY.search(text):
        return Recurrence(found.span(), f"{_AT_TIME} {found['day'] or found['day2'] or 1} * *")
    if found := _DAILY.search(text):
        part_hour = vocabulary.find_day_part_hour(found[0])
        return Recurrence(found.span(), f"{_AT_TIME} * * *", part_hour)
    return None
