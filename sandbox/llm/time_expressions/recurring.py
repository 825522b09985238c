"""Times that come again and again: “every day at 9 and 21”, “every second Friday at 10”."""

import re
from dataclasses import replace
from datetime import datetime, time, timedelta

from sandbox.llm.time_expressions.day import find_day, find_day_part
from sandbox.llm.time_expressions.recurrences import Recurrence, find_recurrence
from sandbox.llm.time_expressions.recurrences.recurrence import EVERY
from sandbox.llm.time_expressions.spans import Span, blank_out
from sandbox.llm.time_expressions.time_expression import TimeExpression, separate_phrase
from sandbox.llm.time_expressions.time_of_day import (
    TimeOfDay,
    apply_day_part,
    find_further_times,
    find_time_of_day,
)

_MORNING_AND_EVENING = {
    rf"(?i)\b{EVERY} morning and (?:{EVERY} )?evening\b": "every day at 9 and 19",
    rf"(?i)\b{EVERY} утро и (?:{EVERY} )?вечер\b|\bпо утрам и вечерам\b"
    r"|(?<=\bнапоминай )утром и вечером\b": "каждый день в 9 и 19",
}


def find_recurring(text: str, now: datetime) -> TimeExpression | None:
    """Return the first time of a text that comes again and again, or None."""
    for pattern, meaning in _MORNING_AND_EVENING.items():
        text = re.sub(pattern, meaning, text)
    recurrence = find_recurrence(text)
    if recurrence is None:
        return None
    now = now.replace(tzinfo=None, second=0, microsecond=0)
    if not recurrence.has_time_of_day:
        at = now + recurrence.starts_after if recurrence.starts_after else None
        return _build(text, recurrence, recurrence.spans, recurrence.cron, at)
    written, spans = _find_clocks(text, recurrence)
    clocks = written or [apply_day_part(None, None)]
    spans = (*recurrence.spans, *spans)
    hours = ",".join(str(clock.hour) for clock in clocks)
    cron, at = "", None
    if recurrence.cron:
        cron = recurrence.cron.format(minute=clocks[0].minute, hour=hours)
    else:
        at, day_spans = _find_start(blank_out(text, spans), recurrence, clocks[0], now)
        spans += day_spans
        rrule = f"{recurrence.rrule};BYHOUR={hours}" if len(clocks) > 1 else recurrence.rrule
        recurrence = replace(recurrence, rrule=rrule)
    expression = _build(text, recurrence, spans, cron, at)
    return replace(expression, clock=clocks[0]) if written else expression


def _build(
    text: str,
    recurrence: Recurrence,
    spans: tuple[Span, ...],
    cron: str,
    at: datetime | None = None,
) -> TimeExpression:
    phrases = separate_phrase(text, spans)
    return TimeExpression(*phrases, at=at, cron=cron or None, rrule=recurrence.rrule or None)


def _find_clocks(text: str, recurrence: Recurrence) -> tuple[list[TimeOfDay], tuple[Span, ...]]:
    """Return the times of day, which have one minute in common, in order, with their spans."""
    part_hour, spans = find_day_part(text)  # in the whole text, because of “Monday evening”
    if recurrence.part_hour is not None:
        part_hour, spans = recurrence.part_hour, ()
    text = blank_out(text, (*recurrence.spans, *spans))
    first = find_time_of_day(text)
    if first is None:
        return [apply_day_part(None, part_hour)] if part_hour else [], spans
    further = find_further_times(text, first)
    clocks = [first, *(clock for clock in further if clock.minute == first.minute)]
    spans += tuple(clock.span for clock in clocks)
    resolved = (apply_day_part(clock, part_hour) for clock in clocks)
    return sorted(resolved, key=lambda clock: clock.hour), spans


def _find_start(
    text: str, recurrence: Recurrence, clock: TimeOfDay, now: datetime
) -> tuple[datetime, tuple[Span, ...]]:
    """Return the first time of a rule, and the spans of the day that the text gives for it."""
    named = find_day(text, now.date())
    if named.is_explicit and not recurrence.weekdays:
        return datetime.combine(named.date, time(clock.hour, clock.minute)), named.spans
    moment = datetime.combine(now.date(), time(clock.hour, clock.minute))
    weekdays = recurrence.weekdays or range(7)
    while moment <= now or moment.weekday() not in weekdays:
        moment += timedelta(days=1)
    return moment, ()
