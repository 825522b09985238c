"""Times as a model gives them and is told them: the person's own."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from smart_kit.errors import InvalidInputError

_END_OF_DAY = time(23, 59)


def to_utc(given: datetime, zone: ZoneInfo, argument: str) -> datetime:
    """The instant in UTC; without an offset it is meant in the zone.

    Of two equal times the first, and in a gap by the offset before it. Raises InvalidInputError
    beyond the calendar.
    """
    try:
        local = given if given.tzinfo else given.replace(tzinfo=zone)
        return local.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInputError(f"`{argument}` is beyond the calendar.") from error


def to_utc_end_of_day(given: datetime | date, zone: ZoneInfo, argument: str) -> datetime:
    """The same, where a date alone means its last minute."""
    moment = given if isinstance(given, datetime) else datetime.combine(given, _END_OF_DAY)
    return to_utc(moment, zone, argument)


def format_local(moment: datetime, zone: ZoneInfo) -> str:
    """As the model is told it."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"
