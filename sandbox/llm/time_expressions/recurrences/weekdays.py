"""Weekly and daily recurrences: “every Monday and Thursday”, “по будням”, “каждый вечер”."""

import re

from sandbox.llm.time_expressions import vocabulary
from sandbox.llm.time_expressions.recurrences.recurrence import (
    ADVERB,
    AT_TIME,
    EVERY,
    Recurrence,
)
from sandbox.llm.time_expressions.spans import Span
from sandbox.llm.time_expressions.vocabulary import DAY_PART_NOUN_PATTERN, WEEKDAY_PATTERN

_AND = r"\s*(?:,\s*(?:and|и)?|and|и)\s*(?:on\s+|по\s+|в\s+|во\s+)?"
_WEEKLY = re.compile(
    rf"(?i)\b(?:{EVERY}\s+(?:week|неделю)|weekly{ADVERB}|еженедельно|раз в неделю|once a week)\b"
)
_NAMED = re.compile(
    rf"(?i)\b(?:{EVERY}|on|по|в|во)\s+(?:{WEEKDAY_PATTERN})\b(?:{_AND}(?:{WEEKDAY_PATTERN})\b)*"
)
_PLURAL_OR_EVERY = re.compile(rf"(?i)^(?:{EVERY}|по)\s|s\b")
_GROUPS = {
    rf"(?i)\b(?:(?:on|{EVERY})\s+(?:weekdays?|workdays?|working days?|business days?|будний день"
    r"|будни|рабочий день)|(?:weekdays|workdays)(?= (?:at|\d))"
    r"|по будням|в будни|по рабочим дням"
    r"|(?:from\s+)?monday (?:to|through) friday|с понедельника по пятницу)\b": "1-5",
    rf"(?i)\b(?:(?:on|at|{EVERY})\s+(?:weekends|weekend|выходные|выходной)|по выходным)\b": "0,6",
}
_DAILY = re.compile(
    rf"(?i)\b(?:{EVERY}\s+(?:day|день|{DAY_PART_NOUN_PATTERN})|daily{ADVERB}|ежедневно"
    r"|по (?:утрам|вечерам|ночам)|(?:once|twice|\w+ times) a day|(?:\w+ )?раза? в день)\b"
)


def find_weekly_or_daily(text: str) -> Recurrence | None:
    """Return the recurrence on weekdays or on every day that a text names, or None."""
    if weekdays := find_weekdays(text):
        field, spans = weekdays
        return Recurrence(spans, f"{AT_TIME} * * {field}")
    if weekly := _WEEKLY.search(text):
        return Recurrence((weekly.span(),), f"{AT_TIME} * * 1")
    if daily := _DAILY.search(text):
        part = re.search(rf"(?i)(?:{DAY_PART_NOUN_PATTERN}|утрам|вечерам|ночам)$", daily[0])
        hour = vocabulary.parse_day_part(part[0]) if part else None
        return Recurrence((daily.span(),), f"{AT_TIME} * * *", part_hour=hour)
    return None


def find_weekdays(text: str) -> tuple[str, tuple[Span, ...]] | None:
    """Return the cron field of repeated weekdays, and their spans; None if there are none."""
    for pattern, field in _GROUPS.items():
        if found := re.search(pattern, text):
            return field, (found.span(),)
    weekly = _WEEKLY.search(text)
    named = _NAMED.search(text)
    days = parse_weekdays(named[0]) if named else ()
    if named is None or not (weekly or len(days) > 1 or _PLURAL_OR_EVERY.search(named[0])):
        return None
    numbers = sorted((day + 1) % 7 for day in days)
    return ",".join(map(str, numbers)), (named.span(), *([weekly.span()] if weekly else []))


def find_named_weekdays(text: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    """Return the weekdays that a text names, Monday being 0, with their spans."""
    named = _NAMED.search(text)
    return (parse_weekdays(named[0]), (named.span(),)) if named else ((), ())


def parse_weekdays(text: str) -> tuple[int, ...]:
    """Return the weekdays in a phrase such as “every Monday and Thursday”; Monday is 0."""
    names = re.findall(rf"(?i)\b(?:{WEEKDAY_PATTERN})\b", text)
    return tuple(sorted({vocabulary.parse_weekday(name) for name in names}))
