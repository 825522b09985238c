"""Cron expressions.

When clocks change, cronsim follows the rules of Debian's cron, except for minutes like `*/30` in
listed hours. A job at listed hours fires at the first valid instant after a gap and in the first
pass of a fold. With hours like `*` or `*/2`, elapsed time counts, so it fires in both passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from smart_kit.errors import InvalidRequest

from .base import Schedule

_FIELD_COUNT = 5  # a sixth would be seconds; the shortest interval is a minute
_MAX_FOLD = timedelta(hours=3)
_ANY_TIME = datetime(2000, 1, 1)  # only the fields are read


@dataclass(frozen=True)
class CronSchedule(Schedule):
    """A cron expression of five fields in an IANA zone."""

    expression: str
    zone: str

    def check(self, now: datetime) -> None:
        """Raise InvalidRequest, with the reason, if it is invalid or never fires after `now`."""
        if (error := self._find_error(now)) is not None:
            raise InvalidRequest(
                f"{self.expression!r} is not a usable cron expression: {error}. It has five fields,"
                " minute hour day-of-month month day-of-week, e.g. '0 9 * * 1-5' for weekdays at"
                " nine."
            )

    def iter_fires(self, after: datetime) -> Iterator[datetime]:
        """Yield the fire times later than the aware `after`, oldest first.

        cronsim works with local times and may repeat earlier ones in a fold, so these are skipped.
        """
        newest = after
        for local in CronSim(self._normalized, after.astimezone(ZoneInfo(self.zone))):
            fire = local.astimezone(UTC)
            if fire > newest:
                newest = fire
                yield fire

    def list_fires_between(self, first: datetime, last: datetime, limit: int) -> list[datetime]:
        """Return the newest `limit` fire times from `first` to `last`, oldest first."""
        newest_first = takewhile(lambda fire: fire >= first, self._iter_fires_before(last))
        return list(islice(newest_first, limit))[::-1]

    @cached_property
    def _normalized(self) -> str:
        """The expression, with its minutes listed: for wildcard minutes, cronsim counts elapsed
        time even in listed hours, so that these would be skipped by a gap and repeated by a fold.
        """
        minute, *others = self.expression.split()
        if not minute.startswith("*"):
            return self.expression
        minutes = ",".join(map(str, sorted(CronSim(self.expression, _ANY_TIME).minutes)))
        return " ".join((minutes, *others))

    def _find_error(self, now: datetime) -> str | None:
        if len(self.expression.split()) != _FIELD_COUNT:
            return "it does not have five fields"
        try:
            upcoming = self.get_next_fire(now)
        except CronSimError as error:
            return str(error).lower()
        return None if upcoming else "it never fires"

    def _iter_fires_before(self, last: datetime) -> Iterator[datetime]:
        """Yield fire times not later than `last`, newest first."""
        # the search begins later, because in the second pass of a fold earlier local times compare
        # as later ones
        start = (last + _MAX_FOLD).astimezone(ZoneInfo(self.zone))
        oldest = last + timedelta(microseconds=1)
        for local in CronSim(self._normalized, start, reverse=True):
            fire = local.astimezone(UTC)
            if fire < oldest:
                oldest = fire
                yield fire
