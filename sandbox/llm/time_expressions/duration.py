"""Durations: “in 20 seconds”, “через полтора часа”."""

import re
from dataclasses import dataclass

from sandbox.llm.time_expressions.vocabulary import (
    NUMBER_PATTERN,
    UNIT_PATTERN,
    parse_number,
    parse_unit_seconds,
)

_PREFIX = re.compile(r"\b(?:in|after|через)\s+(?:about\s+|примерно\s+)?", re.IGNORECASE)
_HALF_HOUR = re.compile(r"half an hour|полчаса|пол часа", re.IGNORECASE)
_HOUR_AND_HALF = re.compile(
    r"an hour and a half|one and a half hours|полтора часа|1[.,]5 (?:hours|часа)", re.IGNORECASE
)
_PART = re.compile(
    rf"(?:(?:and|и)\s+)?(?:(?P<number>{NUMBER_PATTERN})\s*(?:of\s+)?)?(?P<unit>{UNIT_PATTERN})\b(?:\s+|$)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Duration:
    """A duration and its span in the text."""

    seconds: int
    span: tuple[int, int]


def find_duration(text: str) -> Duration | None:
    """Return the first duration of a text, or None."""
    for begin in _PREFIX.finditer(text):
        for pattern, seconds in ((_HOUR_AND_HALF, 5400), (_HALF_HOUR, 1800)):
            found = pattern.match(text, begin.end())
            if found:
                return Duration(seconds, (begin.start(), found.end()))
        duration = _parse_parts(text, begin)
        if duration:
            return duration
    return None


def _parse_parts(text: str, begin: re.Match[str]) -> Duration | None:
    total, position = 0, begin.end()
    while found := _PART.match(text, position):
        if total and not found["number"]:
            break
        total += parse_number(found["number"] or "1") * parse_unit_seconds(found["unit"])
        position = found.end()
    return Duration(total, (begin.start(), position)) if total else None
