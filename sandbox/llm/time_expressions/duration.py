"""Durations: “in 20 seconds”, “через полтора часа”, “a week from now”, “через месяц”."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.llm.time_expressions import vocabulary

FROM_NOW = re.compile(r"(?i)\b(?:in|after|через|спустя)\s+(?:about\s+|примерно\s+|ещё\s+)?")
_FOLLOWED_BY_FROM_NOW = re.compile(r"(?i)\b(?=[\w\s,.]{1,40}\bfrom now\b)")
_HALF_YEAR = re.compile(r"(?i)(?:half a year|полгода)\b")
_FRACTION_SECONDS = {
    r"(?:an )?hour and a half|one and a half hours|полтора часа": 5400,
    r"half an hour|half hour|полчасика|полчаса|пол часа": 1800,
    r"three quarters of an hour": 2700,
    r"(?:a )?quarter of an hour|четверть часа": 900,
    r"half a minute|полминуты": 30,
    r"полторы минуты": 90,
}
_DAY_SECONDS = 86400
_MAX_MONTHS = 1200
"""Longer ones are no durations: they would end beyond the calendar."""
_PART = re.compile(
    r"(?i)(?:(?:and|и)\s+)?(?:(?:a\s+(?=couple\b))?"
    rf"(?P<number>\d+[.,]5|{vocabulary.NUMBER_PATTERN})\s*(?:of\s+)?"
    rf"(?P<half>and a half\s+|с половиной\s+)?)?(?P<unit>{vocabulary.UNIT_PATTERN})\b"
    r"(?:\s+from now\b)?(?:,?\s+|$|(?=\W))"
)


@dataclass(frozen=True)
class Duration:
    """Its parts are apart, because days and months have no fixed length; `span` is in the text."""

    span: tuple[int, int]
    seconds: int = 0
    days: int = 0
    months: int = 0

    @property
    def has_days_only(self) -> bool:
        """Whether it consists of days and longer units."""
        return self.seconds == 0

    def add_to(self, moment: datetime) -> datetime:
        """Return the moment so much later. Days and longer units keep the local time."""
        month = moment.month - 1 + self.months
        year, month = moment.year + month // 12, month % 12 + 1
        day = min(moment.day, calendar.monthrange(year, month)[1])
        later = moment.replace(year=year, month=month, day=day) + timedelta(days=self.days)
        if moment.tzinfo is None:
            return later + timedelta(seconds=self.seconds)
        elapsed = later.astimezone(UTC) + timedelta(seconds=self.seconds)
        return elapsed.astimezone(moment.tzinfo)

    def count_seconds_from(self, moment: datetime) -> int:
        """Return the elapsed seconds from the moment until so much later."""
        later = self.add_to(moment)
        if moment.tzinfo is None:
            return int((later - moment).total_seconds())
        # in one zone, a difference would ignore clock changes
        return int((later.astimezone(UTC) - moment.astimezone(UTC)).total_seconds())


def find_duration(text: str, prefix: re.Pattern[str] = FROM_NOW) -> Duration | None:
    """Return the first duration of a text behind the prefix, or None."""
    for found in prefix.finditer(text):
        if duration := _parse_duration(text, found.start(), found.end()):
            return duration
    for found in _FOLLOWED_BY_FROM_NOW.finditer(text) if prefix is FROM_NOW else ():
        duration = _parse_duration(text, found.start(), found.end())
        if duration and text[slice(*duration.span)].strip().endswith("from now"):
            return duration
    return None


def _parse_duration(text: str, start: int, position: int) -> Duration | None:
    """Return the duration at this position; its span begins at `start`."""
    if found := _HALF_YEAR.match(text, position):
        return Duration((start, found.end()), months=6)
    for words, seconds in _FRACTION_SECONDS.items():
        if found := re.compile(rf"(?i)(?:{words})\b").match(text, position):
            return Duration((start, found.end()), seconds)
    parts: list[Duration] = []
    while (found := _PART.match(text, position)) and (found["number"] or not parts):
        count = _parse_count(found["number"] or "1") + (0.5 if found["half"] else 0)
        parts.append(build_duration(count, found["unit"], found.span()))
        position = found.end()
    total = Duration(
        (start, position),
        sum(part.seconds for part in parts),
        sum(part.days for part in parts),
        sum(part.months for part in parts),
    )
    months = total.months + (total.days + total.seconds // _DAY_SECONDS) // 30
    is_sensible = total != Duration(total.span) and months <= _MAX_MONTHS
    return total if is_sensible else None


def build_duration(count: float, unit: str, span: tuple[int, int]) -> Duration:
    """Return so many seconds, minutes, hours, days, weeks, months or years."""
    if months := vocabulary.parse_unit_months(unit):
        return Duration(span, months=int(count * months))
    unit_seconds = vocabulary.parse_unit_seconds(unit)
    if unit_seconds < _DAY_SECONDS:
        return Duration(span, int(count * unit_seconds))
    days, seconds = divmod(int(count * unit_seconds), _DAY_SECONDS)
    return Duration(span, seconds, days)


def _parse_count(number: str) -> float:
    if number[-2:] in (".5", ",5"):
        return float(number.replace(",", "."))
    return vocabulary.parse_number(number)
