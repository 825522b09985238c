"""Times that come once: “in 20 minutes”, “tomorrow at 9”, “через неделю в четверг”."""

from datetime import datetime, time, timedelta

from sandbox.llm.time_expressions.day import DayReference, find_day
from sandbox.llm.time_expressions.duration import Duration, find_duration
from sandbox.llm.time_expressions.spans import blank_out
from sandbox.llm.time_expressions.time_expression import TimeExpression, separate_phrase
from sandbox.llm.time_expressions.time_of_day import TimeOfDay, apply_day_part, find_time_of_day

_MAX_SECONDS = 366 * 86400
"""The longest duration that create_reminder takes."""

_LAST_HOUR_OF_NIGHT = 5


def find_one_off(text: str, now: datetime) -> TimeExpression | None:
    """Return the first time that comes once in a text, or None."""
    local = now.replace(tzinfo=None)
    duration = find_duration(text)
    if duration is None:
        return _find_time_on_day(text, find_day(text, local.date()), local)
    if day := _find_day_after(text, duration, local):
        return _find_time_on_day(text, day, local)
    phrases = separate_phrase(text, (duration.span,))
    seconds = duration.count_seconds_from(now)
    if seconds > _MAX_SECONDS:
        return TimeExpression(*phrases, at=duration.add_to(local))
    return TimeExpression(*phrases, in_seconds=seconds)


def _find_day_after(text: str, duration: Duration, now: datetime) -> DayReference | None:
    """Return the day of “in two weeks at 9” or “через неделю в четверг”, else None."""
    rest = blank_out(text, (duration.span,))
    named = find_day(rest, now.date())
    has_more = named.is_weekday or named.hour is not None or find_time_of_day(rest)
    if not duration.has_days_only or not has_more:
        return None
    day = duration.add_to(datetime.combine(named.date, time())).date()
    return DayReference(day, (duration.span, *named.spans), named.hour)


def _find_time_on_day(text: str, day: DayReference, now: datetime) -> TimeExpression | None:
    written = find_time_of_day(blank_out(text, day.spans))
    if written is None and not day.spans:
        return None
    clock = apply_day_part(written, day.hour)
    return TimeExpression(
        *separate_phrase(text, (*day.spans, written.span) if written else day.spans),
        at=_resolve(day, clock, now),
        clock=clock if written or day.hour is not None else None,
        has_day=day.is_explicit,
    )


def _resolve(day: DayReference, clock: TimeOfDay, now: datetime) -> datetime:
    """Return the next such time; a passed hour up to 11 means the evening."""
    moment = datetime.combine(day.date, time(clock.hour, clock.minute))
    if moment > now or day.date != now.date():
        return moment
    if day.is_weekday:
        return moment + timedelta(days=7)
    if clock.hour <= _LAST_HOUR_OF_NIGHT:  # “tonight at 1” is after midnight
        return moment + timedelta(days=1)
    if clock.is_ambiguous and moment + timedelta(hours=12) > now:
        return moment + timedelta(hours=12)
    return moment if day.is_explicit else moment + timedelta(days=1)
