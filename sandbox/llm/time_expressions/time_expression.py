"""The time phrase of a text, resolved relative to the user's current time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sandbox.llm.time_expressions.day import DayReference, find_day
from sandbox.llm.time_expressions.duration import find_duration
from sandbox.llm.time_expressions.recurrence import find_recurrence
from sandbox.llm.time_expressions.time_of_day import TimeOfDay, apply_day_part, find_time_of_day

Span = tuple[int, int]


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
    """False if the text names a day without a time."""


def find_time_expression(text: str, now: datetime) -> TimeExpression | None:
    """Return the time expression of a text, or None."""
    local = now.replace(tzinfo=None)
    if recurrence := find_recurrence(text):
        clock, phrases = _extract_time_phrase(text, (recurrence.span,))
        time_of_day = apply_day_part(clock, recurrence.part_hour)
        cron = recurrence.cron.format(minute=time_of_day.minute, hour=time_of_day.hour)
        return TimeExpression(*phrases, cron=cron)
    duration = find_duration(text)
    if duration is None:
        return _find_time_on_day(text, find_day(text, local.date()), local)
    ahead, span = timedelta(seconds=duration[0]), duration[1]
    if ahead >= timedelta(days=1) and find_time_of_day(_blank_out(text, (span,))):
        return _find_time_on_day(text, DayReference(local.date() + ahead, (span,)), local)
    return TimeExpression(*_separate_phrase(text, (span,)), in_seconds=duration[0])


def _find_time_on_day(text: str, day: DayReference, now: datetime) -> TimeExpression | None:
    clock, phrases = _extract_time_phrase(text, day.spans)
    if clock is None and not day.spans:
        return None
    has_time = clock is not None or day.hour is not None
    at = _resolve_datetime(day, apply_day_part(clock, day.hour), now)
    return TimeExpression(*phrases, at=at, has_time=has_time)


def _resolve_datetime(day: DayReference, clock: TimeOfDay, now: datetime) -> datetime:
    """Return the next such time; a passed hour up to 11 means the evening."""
    moment = datetime.combine(day.date, time(clock.hour, clock.minute))
    if moment > now or day.date != now.date():
        return moment
    if day.is_weekday:
        return moment + timedelta(days=7)
    if clock.is_ambiguous and moment + timedelta(hours=12) > now:
        return moment + timedelta(hours=12)
    return moment if day.is_explicit else moment + timedelta(days=1)


def _extract_time_phrase(
    text: str, spans: Sequence[Span]
) -> tuple[TimeOfDay | None, tuple[str, str]]:
    """Find a time of day outside the spans; split the text by the spans and that time."""
    clock = find_time_of_day(_blank_out(text, spans))
    return clock, _separate_phrase(text, (*spans, clock.span) if clock else spans)


def _separate_phrase(text: str, spans: Sequence[Span]) -> tuple[str, str]:
    """Return the text inside the spans, and the text without them."""
    phrase = " ".join(text[start:end].strip() for start, end in sorted(spans))
    return phrase, " ".join(_blank_out(text, spans).split()).strip(" ,")


def _blank_out(text: str, spans: Sequence[Span]) -> str:
    """Replace the spans by spaces, so that offsets stay valid."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
