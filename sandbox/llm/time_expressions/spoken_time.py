"""Times in words: “half past seven”, “quarter to nine”, “без четверти девять”, “полвосьмого”."""

import re
from dataclasses import dataclass

from sandbox.llm.time_expressions.vocabulary import (
    HALF_OF_DAY_PATTERN,
    HOUR_GENITIVE_PATTERN,
    HOUR_PATTERN,
    parse_number,
    parse_ordinal,
)

_MAX_HOUR = 12
_MINUTES = (
    r"(?P<minutes>5|10|15|20|25|five|ten|quarter|twenty(?:-five)?"
    r"|пят[ьи]|десят[ьи]|четверт[ьи]|двадцат[ьи](?: пят[ьи])?)(?:\s+minutes|\s+минут)?"
)
_HOUR = rf"(?P<hour>{HOUR_PATTERN})"
_NEXT_HOUR = rf"(?:(?:в|на|к)\s+)?{{}}(?P<next_hour>{HOUR_GENITIVE_PATTERN})"
_DIRECTIONS = {
    rf"(?:at\s+)?half\s+past\s+{_HOUR}": 1,
    rf"(?:at\s+)?(?:a\s+)?{_MINUTES}\s+past\s+{_HOUR}": 1,
    rf"(?:at\s+)?(?:a\s+)?(?<!from ){_MINUTES}\s+to\s+{_HOUR}": -1,
    rf"без\s+{_MINUTES}\s+{_HOUR}": -1,
    _NEXT_HOUR.format(r"пол(?:овин[еу])?\s*"): 1,
    _NEXT_HOUR.format(rf"{_MINUTES}\s+"): 1,
}
"""1 for minutes after the hour, -1 for minutes before it."""
_PATTERNS = {
    re.compile(rf"(?i)\b{words}\b(?:\s*{HALF_OF_DAY_PATTERN}(?!\w))?"): direction
    for words, direction in _DIRECTIONS.items()
}


@dataclass(frozen=True)
class SpokenTime:
    """An hour from 1 to 12 and a minute; `half` is “pm”, “вечера” and so on, or ""."""

    hour: int
    minute: int
    half: str
    span: tuple[int, int]


def find_spoken_time(text: str) -> SpokenTime | None:
    """Return the first time in words of a text, or None."""
    for pattern, direction in _PATTERNS.items():
        if (found := pattern.search(text)) and (hour := _parse_hour(found)) <= _MAX_HOUR:
            given = found.groupdict("")
            minutes = 60 * hour + direction * _parse_minutes(given.get("minutes", ""))
            return SpokenTime(minutes // 60 or 12, minutes % 60, given["half"], found.span())
    return None


def _parse_hour(found: re.Match[str]) -> int:
    given = found.groupdict()
    if hour := given.get("hour"):
        return parse_number(hour)
    return parse_ordinal(given["next_hour"]) - 1


def _parse_minutes(words: str) -> int:
    if not words:
        return 30
    return 15 if words.lower().startswith(("quarter", "четверт")) else parse_number(words)
