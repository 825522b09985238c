"""When things fire: the only code that turns a cron expression or a local time into an instant.

Where clocks change (the rules of Debian's cron, which cronsim follows): a job at a fixed time fires
at the first valid instant of a gap and in the first pass of a fold; wildcard minutes or hours count
elapsed time, so they run in both passes. A one-off in a gap is read with the offset before it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from smart_kit.errors import InvalidRequest

_FIELD_COUNT = 5  # a sixth would be seconds, and a minute is the shortest interval we promise
_MAX_FOLD = timedelta(hours=3)


def check_cron_expression(expression: str) -> None:
    """Raises InvalidRequest that says why, where this is no cron expression that ever fires."""
    error = _find_error(expression)
    if error is not None:
        raise InvalidRequest(
            f"{expression!r} is not a usable cron expression: {error}. It has five fields, minute"
            " hour day-of-month month day-of-week, e.g. '0 9 * * 1-5' for weekdays at nine."
        )


def get_next_fire(expression: str, zone: str, after: datetime) -> datetime | None:
    """The first fire strictly later than the aware `after`, in UTC; None where there is no more.

    cronsim works on local times, so that in a fold it repeats what is over.
    """
    fires = CronSim(expression, after.astimezone(ZoneInfo(zone)))
    in_utc = (local.astimezone(UTC) for local in fires)
    return next((fire for fire in in_utc if fire > after), None)


def list_fires_between(
    expression: str, zone: str, first: datetime, last: datetime, limit: int
) -> list[datetime]:
    """The newest `limit` fires from `first` to `last`, both included, oldest first, in UTC."""
    newest_first = takewhile(lambda fire: fire >= first, _iter_fires_before(expression, zone, last))
    return list(islice(newest_first, limit))[::-1]


def to_utc(at: datetime, zone: str) -> datetime:
    """The instant of a time, in UTC; without an offset it is meant in the zone.

    A time that a clock change skips is read with the offset before it, one that comes twice is the
    first. Raises InvalidRequest for a time beyond the calendar.
    """
    try:
        local = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone), fold=0)
        return local.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequest(f"{at.isoformat()} is beyond the calendar.") from error


def _find_error(expression: str) -> str | None:
    if len(expression.split()) != _FIELD_COUNT:
        return "it does not have five fields"
    try:
        upcoming = next(CronSim(expression, datetime.now(UTC)), None)
    except CronSimError as error:
        return str(error).lower()
    return None if upcoming else "it never fires"


def _iter_fires_before(expression: str, zone: str, last: datetime) -> Iterator[datetime]:
    """Fires not later than `last`, newest first.

    Begins later than that: seen from the second pass of a fold, local times that are over look as
    if they were still to come.
    """
    start = (last + _MAX_FOLD).astimezone(ZoneInfo(zone))
    oldest = last + timedelta(microseconds=1)
    for local in CronSim(expression, start, reverse=True):
        fire = local.astimezone(UTC)
        if fire < oldest:
            oldest = fire
            yield fire
