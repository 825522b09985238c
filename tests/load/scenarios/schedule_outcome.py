"""What became of jobs that were due: each must have fired once, and soon."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from smart_kit.contracts.queue import Notification

Run = tuple[str, datetime]
"""A job id and the time of a run."""


@dataclass(frozen=True)
class ScheduleOutcome:
    """What was expected, and what was found in Postgres and in the queue."""

    expected: Counter[Run]
    stored: Counter[Run]
    messages: list[Notification]
    kills: int
    cpu: dict[str, float]
    """CPU seconds by kind of process."""

    @property
    def missing(self) -> int:
        """How many runs have no row, or no message."""
        return max((self.expected - found).total() for found in (self._queued, self.stored))

    @property
    def doubled(self) -> int:
        """How many rows, or messages, belong to no run or to one that has another."""
        return max((found - self.expected).total() for found in (self._queued, self.stored))

    @property
    def lateness_ms(self) -> list[float]:
        """The milliseconds from each run's time to the building of its message, just before the
        message is in the queue."""
        delays = (one.created_at - one.scheduled_for for one in self.messages)
        return [1000 * delay.total_seconds() for delay in delays]

    @property
    def _queued(self) -> Counter[Run]:
        return Counter((str(one.job_id), one.scheduled_for) for one in self.messages)
