"""The time phrase of a text, resolved relative to the user's current time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.llm.time_expressions.day import DayReference, find_day
from sandbox.llm.time_expressions.duration import find_duration
from sandbox.llm.time_expressions.recurrence import Recurrence, find_recurrence
from sandbox.llm.time_expressions.time_of_day import TimeOfDay, find_time_of_day

Span = tuple[int, int]
DAY_SECONDS = 86400
DEFAULT_HOUR = 9
"""The hour for a day without a time."""


@dataclass(frozen=True)
class TimeExpression:
    """Exactly one of `in_seconds`, `at` (the user's local time) and `cron` is set."""

    phrase: str
    """The phrase as the user wrote it."""
    remaining_text: str
    """The text without the phrase."""
    in_seconds: int | None = None
    at: datetime | None = None
    cron: str | None = None
    has_time: bool = True
    """False where the text names a day without a time."""


def find_time_expression(text: str, now: datetime) -> TimeExpression | None:
    """Return the time expression of a text, or None."""
    local = now.replace(tzinfo=None)
    recurrence = find_recurrence(text)
    if recurrence:
        return _build_recurring(text, recurrence)
    duration = find_duration(text)
    if duration is None:
        return _build_single(text, find_day(text, local.date()), local)
    if duration.seconds >= DAY_SECONDS and find_time_of_day(_blank_out(text, [duration.span])):
        date = local.date() + timedelta(seconds=duration.seconds)
        return _build_single(text, DayReference(date, (duration.span,)), local)
    phrase, remaining_text = _split_phrase(text, [duration.span])
    return TimeExpression(phrase, remaining_text, in_seconds=duration.seconds)


def _build_recurring(text: str, recurrence: Recurrence) -> TimeExpression:
    clock = find_time_of_day(_blank_out(text, recurrence.spans))
    phrase, remaining_text = _split_phrase(
        text, (*recurrence.spans, *([clock.span] if clock else ()))
    )
    return TimeExpression(phrase, remaining_text, cron=recurrence.to_cron(clock))


def _build_single(text: str, day: DayReference | None, now: datetime) -> TimeExpression | None:
    clock = find_time_of_day(_blank_out(text, day.spans if day else ()))
    if day is None and clock is None:
        return None
    spans = (*(day.spans if day else ()), *([clock.span] if clock else ()))
    phrase, remaining_text = _split_phrase(text, spans)
    part = day.hour if day else None
    has_time = clock is not None or part is not None
    clock = (
        clock.resolve_in_day_part(part)
        if clock
        else TimeOfDay(part or DEFAULT_HOUR, 0, False, (0, 0))
    )
    return TimeExpression(
        phrase, remaining_text, at=_resolve_datetime(day, clock, now), has_time=has_time
    )


def _resolve_datetime(day: DayReference | None, clock: TimeOfDay, now: datetime) -> datetime:
    """Return the next such time; a passed hour up to 11 means the evening."""
    date = day.date if day else now.date()
    moment = datetime.combine(date, clock.to_time())
    if moment > now or date != now.date():
        return moment
    if day and day.is_weekday:
        return moment + timedelta(days=7)
    if clock.is_ambiguous and moment + timedelta(hours=12) > now:
        return moment + timedelta(hours=12)
    return moment if day and day.is_explicit else moment + timedelta(days=1)


def _blank_out(text: str, spans: Iterable[Span]) -> str:
    """Replace the spans by spaces, so that offsets stay valid."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _split_phrase(text: str, spans: Iterable[Span]) -> tuple[str, str]:
    """Return the text inside the spans, and the text without them."""
    ordered = sorted(span for span in spans if span[0] < span[1])
    phrase = " ".join(text[start:end].strip() for start, end in ordered)
    return phrase, re.sub(r"\s+", " ", _blank_out(text, ordered)).strip(" ,")
