"""Durations: “in 20 seconds”, “через полтора часа”."""

import re

from sandbox.llm.time_expressions import vocabulary

_PREFIX = re.compile(r"(?i)\b(?:in|after|через)\s+(?:about\s+|примерно\s+)?")
_HOUR_AND_HALF = re.compile(
    r"(?i)an hour and a half|one and a half hours|полтора часа|1[.,]5 (?:hours|часа)"
)
_HALF_HOUR = re.compile(r"(?i)half an hour|полчаса|пол часа")
_PART = re.compile(
    rf"(?i)(?:(?:and|и)\s+)?(?:(?P<number>{vocabulary.NUMBER_PATTERN})\s*(?:of\s+)?)?"
    rf"(?P<unit>{vocabulary.UNIT_PATTERN})\b(?:\s+|$)?"
)


def find_duration(text: str) -> tuple[int, tuple[int, int]] | None:
    """Return the seconds and the span of the first duration of a text, or None."""
    for prefix in _PREFIX.finditer(text):
        seconds, end = _parse_duration(text, prefix.end())
        if seconds:
            return seconds, (prefix.start(), end)
    return None


def _parse_duration(text: str, position: int) -> tuple[int, int]:
    """Return the seconds of the duration at this position, and its end."""
    for pattern, seconds in ((_HOUR_AND_HALF, 5400), (_HALF_HOUR, 1800)):
        if found := pattern.match(text, position):
            return seconds, found.end()
    total = 0
    while (found := _PART.match(text, position)) and (found["number"] or not total):
        count = vocabulary.parse_number(found["number"] or "1")
        total += count * vocabulary.parse_unit_seconds(found["unit"])
        position = found.end()
    return total, position
