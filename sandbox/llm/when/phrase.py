"""The phrase of a text that says when, and what it means at the user's now."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.llm.when.clock import Clock, find_clock
from sandbox.llm.when.day import Day, find_day
from sandbox.llm.when.duration import find_duration
from sandbox.llm.when.recurrence import Recurrence, find_recurrence

Span = tuple[int, int]
DAY = 86400
MORNING = 9
"""The hour when a day is said and no time."""


@dataclass(frozen=True)
class When:
    """Exactly one of the three is set; `at` is the user's local time without a zone."""

    words: str
    """The phrase as it was said."""
    rest: str
    """The text without it."""
    in_seconds: int | None = None
    at: datetime | None = None
    cron: str | None = None
    has_time: bool = True
    """False where `at` has its time of day from nowhere."""


def find_when(text: str, now: datetime) -> When | None:
    """What the text says about time, or None where it says nothing."""
    local = now.replace(tzinfo=None)
    recurrence = find_recurrence(text)
    if recurrence:
        return _again(text, recurrence)
    duration = find_duration(text)
    if duration is None:
        return _once(text, find_day(text, local.date()), local)
    if duration.seconds >= DAY and find_clock(_blank(text, [duration.span])):
        date = local.date() + timedelta(seconds=duration.seconds)
        return _once(text, Day(date, (duration.span,)), local)
    words, rest = _parts(text, [duration.span])
    return When(words, rest, in_seconds=duration.seconds)


def _again(text: str, recurrence: Recurrence) -> When:
    clock = find_clock(_blank(text, recurrence.spans))
    words, rest = _parts(text, (*recurrence.spans, *([clock.span] if clock else ())))
    return When(words, rest, cron=recurrence.cron(clock))


def _once(text: str, day: Day | None, now: datetime) -> When | None:
    clock = find_clock(_blank(text, day.spans if day else ()))
    if day is None and clock is None:
        return None
    spans = (*(day.spans if day else ()), *([clock.span] if clock else ()))
    words, rest = _parts(text, spans)
    part = day.hour if day else None
    has_time = clock is not None or part is not None
    clock = clock.within(part) if clock else Clock(part or MORNING, 0, False, (0, 0))
    return When(words, rest, at=_moment(day, clock, now), has_time=has_time)


def _moment(day: Day | None, clock: Clock, now: datetime) -> datetime:
    """The next such moment; an hour up to 11 that has passed means the evening's."""
    date = day.date if day else now.date()
    moment = datetime.combine(date, clock.time())
    if moment > now or date != now.date():
        return moment
    if day and day.is_weekday:
        return moment + timedelta(days=7)
    if clock.is_vague and moment + timedelta(hours=12) > now:
        return moment + timedelta(hours=12)
    return moment if day and day.is_said else moment + timedelta(days=1)


def _blank(text: str, spans: Iterable[Span]) -> str:
    """The text with the spans made spaces, so that offsets stay."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _parts(text: str, spans: Iterable[Span]) -> tuple[str, str]:
    """The words in the spans, and the text without them."""
    ordered = sorted(span for span in spans if span[0] < span[1])
    words = " ".join(text[start:end].strip() for start, end in ordered)
    return words, re.sub(r"\s+", " ", _blank(text, ordered)).strip(" ,")
