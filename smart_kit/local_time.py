"""Converts local times to instants; apart from `schedule`, which needs the package cronsim."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smart_kit.errors import InvalidRequest

ZONE_ERRORS = (ZoneInfoNotFoundError, ValueError, OSError)
"""What ZoneInfo raises for a name that is no zone; OSError for a folder of zones, as `America`, and
for a name that is too long."""


def to_utc(at: datetime, zone: str) -> datetime:
    """Convert a time to UTC. A time without an offset is local time in the zone.

    A time that a clock change skips uses the offset before the change; of a time that occurs twice,
    the first is meant. Raises InvalidRequest for a time that UTC cannot represent.
    """
    try:
        local = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone), fold=0)
        return local.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequest(f"{at.isoformat()} is beyond the calendar.") from error


def find_local(at: datetime, zone: str) -> datetime | None:
    """Return the local time that `at` states, without an offset; None if its offset is another one
    than the zone has then, so that only the instant is meant."""
    local = at.replace(tzinfo=None, fold=0)
    if at.tzinfo is None:
        return local
    offsets = {local.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    return local if offsets == {at.utcoffset()} else None


def to_first_valid_utc(local: datetime, zone: str) -> datetime:
    """Convert a local time without an offset, as `to_utc` does, except that a time that a clock
    change skips becomes the first valid instant after the gap."""
    info = ZoneInfo(zone)
    fire = to_utc(local, zone)
    if fire.astimezone(info).replace(tzinfo=None) == local:
        return fire
    # with the offset of after the change, a skipped time is an instant before the gap
    before = local.replace(tzinfo=info, fold=1).astimezone(UTC)
    offset = before.astimezone(info).utcoffset()
    low, high = before, fire
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        is_before_gap = middle.astimezone(info).utcoffset() == offset
        low, high = (middle, high) if is_before_gap else (low, middle)
    return high.replace(microsecond=0)
