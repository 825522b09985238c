"""New times of reminders: “to 10”, “на четверг”, “by an hour”, “every weekday at 8”."""

import re
from dataclasses import dataclass
from datetime import datetime, time

from sandbox.llm.skill import SkillError, SkillRequest
from sandbox.llm.task_and_reminder_lists import ListEntry
from sandbox.llm.time_expressions import TimeExpression, find_time_expression
from sandbox.llm.time_expressions.duration import Duration, find_duration
from sandbox.llm.time_expressions.spans import blank_out
from sandbox.llm.time_expressions.time_of_day import TimeOfDay
from sandbox.llm.time_expressions.vocabulary import HOUR_PATTERN, WEEKDAY_PATTERN

Arguments = dict[str, object]

_SHIFT = re.compile(
    r"(?i)\b(?:by|for|snooze|отложи(?:те)?(?:\s+на)?|на(?!\s+час\s+(?:дня|ночи)\b))\s+"
)
_TO_HOUR = re.compile(
    r"(?i)(?<!quarter )(?<!five )(?<!ten )(?<!twenty )(?<!minutes )"
    rf"\b(?:to|until|till|for|на)\s+(?=(?:{HOUR_PATTERN}|час\s+(?:дня|ночи))\b)"
)
_TO_WEEKDAY = re.compile(
    rf"(?i)\b(?:to|until|till|for)\s+(?=(?:{WEEKDAY_PATTERN}|weekdays|weekends)\b)"
)
_HAS_OWN_TIMES = re.compile("BYHOUR|HOURLY|MINUTELY")
"""Rules that do not come once a day at the time of their start."""


@dataclass(frozen=True)
class NewTime:
    """Either a time, or a duration by which a reminder is put off."""

    remaining_text: str
    when: TimeExpression | None = None
    shift: Duration | None = None


def find_new_time(request: SkillRequest) -> NewTime | None:
    """Return the new time that a request names, or None."""
    if shift := find_duration(request.text, _SHIFT):
        return NewTime(blank_out(request.text, (shift.span,)), shift=shift)
    when = find_time_expression(mark_target_time(request), request.context.now)
    return NewTime(when.remaining_text, when) if when else None


def mark_target_time(request: SkillRequest) -> str:
    """Return the text with “to 10” and “to Friday” as the times “at 10” and “on Friday”."""
    return _TO_WEEKDAY.sub("on ", _TO_HOUR.sub(request.localize("at ", "в "), request.text))


def build_time_arguments(when: TimeExpression) -> Arguments:
    """Return the arguments that say when a reminder comes."""
    given = {"in_seconds": when.in_seconds, "cron": when.cron, "rrule": when.rrule}
    at = {"at": when.at.isoformat()} if when.at else {}
    return at | {name: value for name, value in given.items() if value is not None}


def resolve_new_time(request: SkillRequest, entry: ListEntry, new: NewTime) -> Arguments:
    """Return the arguments that say when the reminder comes; what is left open stays as it was.

    Raises SkillError for a time that does not fit the reminder.
    """
    now = request.context.now
    if new.shift:
        if entry.at is None or entry.is_delivered or entry.is_recurring:
            return {"in_seconds": new.shift.count_seconds_from(now)}
        return {"at": new.shift.add_to(entry.at).isoformat()}
    when = new.when
    assert when is not None, "it has a time or a shift"
    if when.is_recurring and entry.at and not when.has_time:  # “every weekday” at the same time
        when = find_time_expression(f"{when.phrase} {entry.at:%H:%M}", now) or when
    if when.at is None or when.is_recurring or entry.at is None or entry.is_delivered:
        return build_time_arguments(when)
    if entry.is_recurring:
        return _change_clock(request, entry, entry.at, when)
    return {"at": _merge(entry.at, when, when.at, now.replace(tzinfo=None)).isoformat()}


def _merge(old: datetime, when: TimeExpression, at: datetime, now: datetime) -> datetime:
    """Return the new time on the old day, or the old time on the new day, if only one is given."""
    if when.clock is None:
        return datetime.combine(at, old.time())
    if when.has_day:
        return at
    same_day = datetime.combine(old, _find_nearest(when.clock, old.time()))
    return same_day if same_day > now else at


def _change_clock(
    request: SkillRequest, entry: ListEntry, old: datetime, when: TimeExpression
) -> Arguments:
    """Return the recurrence at another time of day."""
    fields = (entry.cron or "0 0").split()
    is_daily = fields[0].isdecimal() and fields[1].isdecimal()
    is_daily = is_daily and not _HAS_OWN_TIMES.search(entry.rrule or "")
    if when.clock is None or when.has_day or not is_daily:
        raise SkillError(
            request.localize(
                f"“{entry.title}” repeats. Tell me the whole rhythm, for example “every Friday at"
                " 10”, or only another time of day.",
                f"«{entry.title}» повторяется. Назовите весь ритм, например «каждую пятницу в 10»,"
                " или только другое время.",
            )
        )
    clock = _find_nearest(when.clock, old.time())
    if entry.rrule:
        return {"at": datetime.combine(old, clock).isoformat(), "rrule": entry.rrule}
    return {"cron": " ".join((str(clock.minute), str(clock.hour), *fields[2:]))}


def _find_nearest(clock: TimeOfDay, old: time) -> time:
    """Return the time of day; of two possible ones, the one nearer to the old time."""
    hours = [clock.hour, clock.hour + 12] if clock.is_ambiguous else [clock.hour]
    return min(
        (time(hour, clock.minute) for hour in hours),
        key=lambda new: abs((new.hour - old.hour) * 60 + new.minute - old.minute),
    )
