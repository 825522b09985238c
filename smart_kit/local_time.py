"""Converts local times to instants; apart from `schedule`, which needs the package cronsim."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from smart_kit.errors import InvalidRequest


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
