"""Recurrences during the day: “every 15 minutes”, “каждый час с 9 до 18 по будням”."""

import re
from datetime import timedelta

from sandbox.llm.time_expressions.duration import Duration
from sandbox.llm.time_expressions.recurrences.recurrence import Recurrence
from sandbox.llm.time_expressions.recurrences.weekdays import find_weekdays

_WINDOW = re.compile(
    r"(?i)\b(?:from|between|с)\s+(?P<first>\d{1,2})(?::00)?(?P<first_half>\s*[ap]m| утра)?\s+"
    r"(?:to|until|till|and|до)\s+(?P<last>\d{1,2})(?::00)?(?P<last_half>\s*[ap]m| утра| вечера)?\b"
)

_HALVES = ("first_half", "last_half")


def repeat_minutes(text: str, interval: Duration) -> Recurrence | None:
    """Return the recurrence of an interval of minutes or hours; None if it has odd seconds.

    Intervals that divide an hour or a day are cron fields, perhaps within hours and on weekdays;
    cron cannot say others.
    """
    minutes, rest = divmod(interval.days * 86400 + interval.seconds, 60)
    if rest:
        return None
    hours, odd_minutes = divmod(minutes, 60)
    if hours == 0 and 60 % minutes == 0:
        return _build_cron(text, interval, minute="*" if minutes == 1 else f"*/{minutes}", step=1)
    if odd_minutes == 0 and 24 % hours == 0:
        return _build_cron(text, interval, minute="0", step=hours)
    rule = f"FREQ=MINUTELY;INTERVAL={minutes}" if odd_minutes else f"FREQ=HOURLY;INTERVAL={hours}"
    return Recurrence((interval.span,), rrule=rule, starts_after=timedelta(minutes=minutes))


def _build_cron(text: str, interval: Duration, minute: str, step: int) -> Recurrence:
    spans = [interval.span]
    hours, weekdays = "*" if step == 1 else f"*/{step}", "*"
    if window := _WINDOW.search(text):
        hours = _build_hours(*_parse_hours(window), includes_last=minute == "0", step=step)
        spans.append(window.span())
    if found := find_weekdays(text):
        weekdays = found[0]
        spans += found[1]
    return Recurrence(tuple(spans), f"{minute} {hours} * * {weekdays}")


def _build_hours(first: int, last: int, *, includes_last: bool, step: int) -> str:
    """Return the cron field of hours; a window over midnight is a list of them."""
    end = (last if last > first else last + 24) + includes_last
    if end <= 24:
        return f"{first}-{end - 1}" + (f"/{step}" if step > 1 else "")
    if step == 1:
        return f"0-{end - 25},{first}-23"
    return ",".join(map(str, sorted(hour % 24 for hour in range(first, end, step))))


def _parse_hours(window: re.Match[str]) -> tuple[int, int]:
    """Return the first and the last hour, from 0 to 23. “From 9 to 5” and “с 9 до 6 вечера” end
    after noon, “from 22 to 6” on the next day."""
    first, last = int(window["first"]), int(window["last"])
    first_half, last_half = ((window[name] or "").strip()[:1].lower() for name in _HALVES)
    if first_half == "p":
        first = first % 12 + 12
    is_afternoon = last_half in ("p", "в") or (not last_half and last <= first < 12)
    return first % 24, last % 12 + 12 if is_afternoon else last % 24
