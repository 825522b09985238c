"""How often something comes, whether a cron expression or a recurrence rule says it."""

from dataclasses import dataclass
from datetime import datetime, time
from itertools import pairwise
from typing import Literal

Unit = Literal["minute", "hour", "day", "week", "month", "year"]

MAX_LISTED = 4
"""Times of a day, or days of a month, that a description lists."""

LAST = -1
"""The last day of a month, or the last one with a weekday."""


@dataclass(frozen=True)
class Recurrence:
    """How often something comes."""

    unit: Unit
    interval: int = 1
    """Number of units from one time to the next."""
    weekdays: tuple[int, ...] = ()
    """0 is Monday."""
    occurrence: int | None = None
    """Which of the month's days with the only weekday: 1 to 5, or LAST."""
    month_days: tuple[int, ...] = ()
    """1 to 31, or LAST."""
    times: tuple[time, ...] = ()
    """The times of a day, as far as they are known."""
    count: int | None = None
    """The number of times after which it ends."""
    until: datetime | None = None
    """When it ends: aware, or local time."""

    @property
    def is_hourly(self) -> bool:
        """Whether the times of a day are an hour apart."""
        minutes = [60 * one.hour + one.minute for one in self.times]
        return all(later - earlier == 60 for earlier, later in pairwise(minutes))

    @property
    def is_simple(self) -> bool:
        """Whether a description of it is short."""
        has_few_times = len(self.times) <= MAX_LISTED or self.is_hourly
        has_few_days = len(self.month_days) <= MAX_LISTED
        is_mixed = LAST in self.month_days and len(self.month_days) > 1
        return has_few_times and has_few_days and not is_mixed
