"""Times of day: “at 18:30”, “at 7 pm”, “в 9 утра”, “в полдень”, “at 9 and 21”."""

import re
from dataclasses import dataclass, replace

from sandbox.llm.time_expressions.spoken_time import find_spoken_time
from sandbox.llm.time_expressions.vocabulary import (
    EVENING_HOUR,
    HALF_OF_DAY_PATTERN,
    HOUR_PATTERN,
    NIGHT_HOUR,
    parse_number,
)

_DEFAULT_HOUR = 9
"""The hour for a day without a time."""

_NAMED_TIMES = {
    r"(?i)\b(?:at )?(?:noon|midday)\b|\b(?:в|на|к) (?:полдень|полудню)\b": 12,
    r"(?i)\bat lunch(?:time)?\b|\bв обед\b": 13,
    r"(?i)\b(?:at )?midnight\b|\b(?:в|на|к) (?:полночь|полуночи)\b": 0,
}
_CLOCK = (
    rf"(?P<hour>{HOUR_PATTERN})(?:[:.](?P<minute>\d\d))?"
    rf"(?:\s*(?:o'clock|час(?:а|ов|ам)?))?(?:\s*{HALF_OF_DAY_PATTERN})?(?!\w|:\d)"
)
_TIME_PATTERNS = (
    rf"(?i)\b(?:at|by|before|around|в|во|к|до)\s+{_CLOCK}",
    rf"(?i)\b(?:в|во)\s+час(?:\s*{HALF_OF_DAY_PATTERN})?(?!\w)",
    rf"(?i)\b(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s*{HALF_OF_DAY_PATTERN}(?!\w)",
    r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b",
)
_FURTHER_TIME = re.compile(
    rf"(?i)(?:\s*,\s*|\s+(?:and|и)\s+)(?P<at>(?:at|в)\s+)?{_CLOCK}"
    r"(?(at)|(?=\s*(?:$|[,.!]|(?:and|и|remind|напомин\w+|every|each|кажд\w+|to|\w+(?:ть|ти|чь|ться))\b)))"
)


_WAKE_UP = re.compile(
    r"(?i)\bwake (?:me|us)\b|(?:^\W*|\b(?:set|add|make) )(?:an )?alarm\b"
    r"|\b(?:раз)?буди(?:те)?\b|(?:^\W*|\b(?:поставь|заведи) )(?:мне )?будильник\b"
)
_FIRST_MORNING_HOUR = 6
_LAST_NIGHT_HOURS: dict[int | None, int] = {EVENING_HOUR: 3, NIGHT_HOUR: 5}
"""The last hour after midnight of an evening, as in “tonight at 1”, and of a night."""


@dataclass(frozen=True)
class TimeOfDay:
    """A time of day and its span in the text."""

    hour: int
    minute: int
    span: tuple[int, int]
    is_ambiguous: bool = False
    """Whether it can mean the morning or the evening."""


def find_time_of_day(text: str) -> TimeOfDay | None:
    """Return the first time of day of a text, or None. One wakes up in the morning."""
    clock = _find_clock(text)
    return replace(clock, is_ambiguous=False) if clock and _WAKE_UP.search(text) else clock


def _find_clock(text: str) -> TimeOfDay | None:
    for pattern, hour in _NAMED_TIMES.items():
        if found := re.search(pattern, text):
            return TimeOfDay(hour, 0, found.span())
    if spoken := find_spoken_time(text):
        hour = _to_24_hours(spoken.hour, spoken.half.lower())
        is_ambiguous = not spoken.half and hour < 12
        return TimeOfDay(hour, spoken.minute, spoken.span, is_ambiguous)
    matches = (found for pattern in _TIME_PATTERNS for found in re.finditer(pattern, text))
    return next(filter(None, map(_to_time_of_day, matches)), None)


def find_further_times(text: str, first: TimeOfDay) -> list[TimeOfDay]:
    """Return the times that follow the first one: “at 9 and 21”, “в 8, в 13 и в 20”."""
    times: list[TimeOfDay] = []
    position = first.span[1]
    while found := _FURTHER_TIME.match(text, position):
        further = _to_time_of_day(found)
        if further is None:
            break
        times.append(further)
        position = found.end()
    return times


def apply_day_part(clock: TimeOfDay | None, part_hour: int | None) -> TimeOfDay:
    """Return the time in the part of the day with this hour, if any (“at 8 in the evening”).

    Without a time, it is the hour of that part, or nine. Without a part, three is in the
    afternoon.
    """
    if clock is None:
        return TimeOfDay(part_hour or _DEFAULT_HOUR, 0, (0, 0))
    if clock.hour % 12 <= _LAST_NIGHT_HOURS.get(part_hour, -1):
        return replace(clock, hour=clock.hour % 12, is_ambiguous=False)
    if not clock.is_ambiguous or (part_hour is None and clock.hour >= _FIRST_MORNING_HOUR):
        return clock
    is_morning = part_hour is not None and part_hour < 12
    return replace(clock, hour=clock.hour if is_morning else clock.hour + 12, is_ambiguous=False)


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
