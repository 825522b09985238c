"""Time zones of places, and local times, in which models give and get times."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from smart_kit import local_time
from smart_kit.errors import InvalidInputError, InvalidRequest
from smart_kit.places import find_zone, get_city_of_zone, suggest_places

_HINT = (
    "Call again with a large city nearby, in English, or an IANA time zone such as Asia/Tokyo; a"
    " country with several zones needs a city."
)


city_for = get_city_of_zone


def zone_for(place: str, now: datetime) -> str:
    """Return the IANA zone of a place (see smart_kit.places.find_zone). Raises InvalidInputError,
    which lists places that may be meant (see smart_kit.places.suggest_places)."""
    zone = find_zone(place)
    if zone is None:
        similar = ", ".join(f"{each.name} ({each.zone})" for each in suggest_places(place, now))
        question = f" Did you mean {similar}?" if similar else ""
        raise InvalidInputError(f"No single time zone is known for {place!r}.{question} {_HINT}")
    return zone


def to_utc(given: datetime, zone: ZoneInfo, argument: str) -> datetime:
    """Return the instant in UTC; a time without an offset is local (see local_time.to_utc). Raises
    InvalidInputError, which names the argument, for a time beyond the calendar."""
    try:
        return local_time.to_utc(given, zone.key)
    except InvalidRequest as error:
        raise InvalidInputError(f"`{argument}` is beyond the calendar.") from error


def deadline_to_utc(given: datetime | date, zone: ZoneInfo, argument: str) -> datetime:
    """Return the instant in UTC; a date without a time means its last minute."""
    moment = given if isinstance(given, datetime) else datetime.combine(given, time(23, 59))
    return to_utc(moment, zone, argument)


def format_local(moment: datetime, zone: ZoneInfo) -> str:
    """Return the local time, for a model: “Sat 2026-11-21 13:24”."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M}"
