"""What the kinds of schedules have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise

_FIRES_FOR_SHORTEST_INTERVAL = 50
"""An expression of five cron fields, or a rule, shows its shortest interval within these."""


class Schedule(ABC):
    """Local times in a zone. All fire times are aware and in UTC."""

    @property
    def follows_local_time(self) -> bool:
        """Whether fires are local times, and not multiples of elapsed hours or minutes."""
        return True

    @abstractmethod
    def check(self, now: datetime) -> None:
        """Raise InvalidRequest, with the reason, if it is invalid or never fires after `now`."""

    @abstractmethod
    def iter_fires(self, after: datetime) -> Iterator[datetime]:
        """Yield the fire times later than the aware `after`, oldest first."""

    @abstractmethod
    def list_fires_between(self, first: datetime, last: datetime, limit: int) -> list[datetime]:
        """Return the newest `limit` fire times from `first` to `last`, oldest first."""

    def get_next_fire(self, after: datetime) -> datetime | None:
        """Return the first fire time later than `after`; None if there is none."""
        return next(self.iter_fires(after), None)

    def find_shortest_interval(self, after: datetime) -> timedelta | None:
        """Return the shortest time between two of the next fires; None if there are not two."""
        fires = islice(self.iter_fires(after), _FIRES_FOR_SHORTEST_INTERVAL)
        return min((later - earlier for earlier, later in pairwise(fires)), default=None)
