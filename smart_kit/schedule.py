"""Fire times of cron expressions: the only code that computes them.

When clocks change, cronsim follows the rules of Debian's cron. A job at a fixed time fires at the
first valid instant after a gap and in the first pass of a fold. Wildcard minutes or hours count
elapsed time, so they fire in both passes. `local_time` converts the times of one-off jobs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from smart_kit.errors import InvalidRequest

_FIELD_COUNT = 5  # a sixth would be seconds; the shortest interval is a minute
_MAX_FOLD = timedelta(hours=3)


def check_cron_expression(expression: str) -> None:
    """Raises InvalidRequest with the reason if the expression is invalid or never fires."""
    if (error := _find_error(expression)) is not None:
        raise InvalidRequest(
            f"{expression!r} is not a usable cron expression: {error}. It has five fields, minute"
            " hour day-of-month month day-of-week, e.g. '0 9 * * 1-5' for weekdays at nine."
        )


def get_next_fire(expression: str, zone: str, after: datetime) -> datetime | None:
    """Return the first fire time later than the aware `after`, in UTC, or None.

    cronsim works with local times and may repeat earlier ones in a fold, so these are skipped.
    """
    fires = CronSim(expression, after.astimezone(ZoneInfo(zone)))
    in_utc = (local.astimezone(UTC) for local in fires)
    return next((fire for fire in in_utc if fire > after), None)


def list_fires_between(
    expression: str, zone: str, first: datetime, last: datetime, limit: int
) -> list[datetime]:
    """Return the newest `limit` fire times from `first` to `last`, oldest first, in UTC."""
    newest_first = takewhile(lambda fire: fire >= first, _iter_fires_before(expression, zone, last))
    return list(islice(newest_first, limit))[::-1]


def _find_error(expression: str) -> str | None:
    if len(expression.split()) != _FIELD_COUNT:
        return "it does not have five fields"
    try:
        upcoming = next(CronSim(expression, datetime.now(UTC)), None)
    except CronSimError as error:
        return str(error).lower()
    return None if upcoming else "it never fires"


def _iter_fires_before(expression: str, zone: str, last: datetime) -> Iterator[datetime]:
    """Yield fire times not later than `last`, newest first."""
    # the search begins later, because in the second pass of a fold earlier local times compare as
    # later ones
    start = (last + _MAX_FOLD).astimezone(ZoneInfo(zone))
    oldest = last + timedelta(microseconds=1)
    for local in CronSim(expression, start, reverse=True):
        fire = local.astimezone(UTC)
        if fire < oldest:
            oldest = fire
            yield fire
