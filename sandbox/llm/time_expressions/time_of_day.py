"""Times of day: “at 18:30”, “at 7 pm”, “в 9 утра”, “в полдень”."""

import re
from dataclasses import dataclass, replace

from sandbox.llm.time_expressions.vocabulary import NUMBER_PATTERN, parse_number

_DEFAULT_HOUR = 9
"""The hour for a day without a time."""

_NAMED_TIMES = {
    r"(?i)\b(?:at )?(?:noon|midday)\b|\bв полдень\b": 12,
    r"(?i)\b(?:at )?midnight\b|\bв полночь\b": 0,
}
_HALF = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?|утра|дня|вечера|ночи)"
_TIME_WITH_PREPOSITION = (
    rf"(?i)\b(?:at|by|around|в|во|к)\s+(?P<hour>{NUMBER_PATTERN})(?:[:.](?P<minute>\d\d))?"
    rf"(?:\s*(?:o'clock|час(?:а|ов)?))?(?:\s*{_HALF})?(?![\w:])"
)
_TIME_PATTERNS = (
    _TIME_WITH_PREPOSITION,
    rf"(?i)\b(?:в|во)\s+час(?:\s*{_HALF})?(?!\w)",
    rf"(?i)\b(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s*{_HALF}(?!\w)",
    r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b",
)


@dataclass(frozen=True)
class TimeOfDay:
    """A time of day and its span in the text."""

    hour: int
    minute: int
    span: tuple[int, int]
    is_ambiguous: bool = False
    """Whether it can mean the morning or the evening."""


def find_time_of_day(text: str) -> TimeOfDay | None:
    """Return the first time of day of a text, or None."""
    for pattern, hour in _NAMED_TIMES.items():
        if found := re.search(pattern, text):
            return TimeOfDay(hour, 0, found.span())
    matches = (found for pattern in _TIME_PATTERNS for found in re.finditer(pattern, text))
    return next(filter(None, map(_to_time_of_day, matches)), None)


def apply_day_part(clock: TimeOfDay | None, part_hour: int | None) -> TimeOfDay:
    """Return the time in the part of the day with this hour, if any (“at 8 in the evening”).

    Without a time, it is the hour of that part, or nine.
    """
    if clock is None:
        return TimeOfDay(part_hour or _DEFAULT_HOUR, 0, (0, 0))
    if part_hour is None or not clock.is_ambiguous:
        return clock
    hour = clock.hour + 12 if part_hour >= 13 else clock.hour
    return replace(clock, hour=hour, is_ambiguous=False)


def _to_time_of_day(found: re.Match[str]) -> TimeOfDay | None:
    given = found.groupdict("")
    name = given.get("hour", "one")
    hour, minute = parse_number(name), int(given.get("minute") or 0)
    half = given.get("half", "").lower()
    if hour > 23 or minute > 59:
        return None
    is_ambiguous = not half and 0 < hour < 12 and not name.startswith("0")
    return TimeOfDay(_to_24_hours(hour, half), minute, found.span(), is_ambiguous)


def _to_24_hours(hour: int, half: str) -> int:
    """Return the hour from 0 to 23: “7 pm”, “9 вечера”, “12 am”, “3 ночи”."""
    match half[:1]:
        case "p" | "д" | "в":
            return hour % 12 + 12
        case "a" | "у":
            return hour % 12
        case "н" if 10 <= hour <= 12:
            return (hour + 12) % 24
    return hour
