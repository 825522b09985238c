"""Times of day: “at 18:30”, “at 7 pm”, “в 9 утра”, “в полдень”."""

import re
from dataclasses import dataclass, replace
from datetime import time

from sandbox.llm.time_expressions.vocabulary import NUMBER_PATTERN, parse_number

_NAMED_TIMES = (
    (12, re.compile(r"\b(?:at )?(?:noon|midday)\b|\bв полдень\b", re.IGNORECASE)),
    (0, re.compile(r"\b(?:at )?midnight\b|\bв полночь\b", re.IGNORECASE)),
)
_DAY_PERIOD = r"(?P<half>a\.?m\b\.?|p\.?m\b\.?|утра|дня|вечера|ночи)"
_TIME_PATTERNS = (
    re.compile(
        rf"\b(?:at|by|around|в|во|к)\s+(?P<hour>{NUMBER_PATTERN})(?:[:.](?P<minute>\d\d))?"
        rf"(?:\s*(?:o'clock|час(?:а|ов)?))?(?:\s*{_DAY_PERIOD})?(?![\w:])",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:в|во)\s+(?P<one>час)(?:\s*{_DAY_PERIOD})?(?!\w)", re.IGNORECASE),
    re.compile(
        rf"\b(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s*{_DAY_PERIOD}(?!\w)", re.IGNORECASE
    ),
    re.compile(r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b"),
)


@dataclass(frozen=True)
class TimeOfDay:
    """A time of day and its span in the text."""

    hour: int
    minute: int
    is_ambiguous: bool
    """Whether it can mean the morning or the evening."""
    span: tuple[int, int]

    def resolve_in_day_part(self, part_hour: int | None) -> "TimeOfDay":
        """Return the time in the part of the day with this hour (“at 8 in the evening”)."""
        if part_hour is None or not self.is_ambiguous:
            return self
        hour = self.hour + 12 if part_hour >= 13 else self.hour
        return replace(self, hour=hour, is_ambiguous=False)

    def to_time(self) -> time:
        """Return the time of day."""
        return time(self.hour, self.minute)


def find_time_of_day(text: str) -> TimeOfDay | None:
    """Return the first time of day of a text, or None."""
    for hour, pattern in _NAMED_TIMES:
        found = pattern.search(text)
        if found:
            return TimeOfDay(hour, 0, False, found.span())
    for pattern in _TIME_PATTERNS:
        for found in pattern.finditer(text):
            clock = _to_time_of_day(found)
            if clock:
                return clock
    return None


def _to_time_of_day(found: re.Match[str]) -> TimeOfDay | None:
    given = found.groupdict()
    hour = 1 if given.get("one") else parse_number(given["hour"])
    minute = int(given.get("minute") or 0)
    half = (given.get("half") or "").lower()
    if hour > 23 or minute > 59:
        return None
    is_vague = not half and 0 < hour < 12 and not given.get("hour", "").startswith("0")
    return TimeOfDay(_to_24_hours(hour, half), minute, is_vague, found.span())


def _to_24_hours(hour: int, half: str) -> int:
    """Return the hour from 0 to 23: “7 pm”, “9 вечера”, “12 am”, “3 ночи”."""
    if half.startswith("p") or half in ("дня", "вечера"):
        return hour % 12 + 12
    if half.startswith("a") or half in ("утра", "ночи"):
        return hour % 12 if hour == 12 or half != "ночи" else (hour + 12 if 9 < hour < 12 else hour)
    return hour
