"""Recurrences: “every weekday”, “по будням”, “every second Friday”, “last day of the month”."""

from sandbox.llm.time_expressions.recurrences.days_of_month import find_days_of_month
from sandbox.llm.time_expressions.recurrences.intervals import find_interval
from sandbox.llm.time_expressions.recurrences.recurrence import Recurrence
from sandbox.llm.time_expressions.recurrences.weekdays import find_weekly_or_daily

__all__ = ["Recurrence", "find_recurrence"]

_FINDERS = (find_days_of_month, find_interval, find_weekly_or_daily)
"""In the order in which they are tried: “every second Friday of the month” is a day of the month,
“every second Friday” an interval."""


def find_recurrence(text: str) -> Recurrence | None:
    """Return the recurrence that a text names, or None."""
    return next(filter(None, (find(text) for find in _FINDERS)), None)
