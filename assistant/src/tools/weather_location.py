"""Finds the place that a name means, among places of the same name."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from smart_kit.errors import InvalidInputError

from ..services.open_meteo import OpenMeteoClient
from ..services.open_meteo_schemas import Place
from .timezones import city_for

_MAX_SUGGESTIONS = 5


async def find_place(weather: OpenMeteoClient, name: str) -> Place:
    """Return the place of this name; “, country” or “, region” after it selects among several.

    Raises InvalidInputError, which lists the places there are.
    """
    city, _, where = (part.strip() for part in name.partition(","))
    found = await weather.search_places(name)
    if found:
        return (_filter_by_region(found, where) or found)[0]
    if city and where:  # not every server finds city and region at once
        found = await weather.search_places(city)
        if fitting := _filter_by_region(found, where):
            return fitting[0]
    if not found:
        raise InvalidInputError(
            f"{name!r} is not a place that the weather service knows. Call again with a city's"
            " name in its basic form, or in English."
        )
    labels = dict.fromkeys(place.label for place in found)
    known = "; ".join(list(labels)[:_MAX_SUGGESTIONS])
    raise InvalidInputError(f"There is no {name!r}, but: {known}. Call again with one of them.")


async def find_place_for_zone(weather: OpenMeteoClient, zone: ZoneInfo, now: datetime) -> Place:
    """Return the city that a zone is named after. Raises InvalidInputError where it is unknown."""
    city = city_for(zone.key)
    found = await weather.search_places(city) if city else ()
    same_time = (
        place
        for place in found
        if _get_utc_offset(place.timezone, now) == _get_utc_offset(zone.key, now)
    )
    place = next((one for one in found if one.timezone == zone.key), next(same_time, None))
    if place is None:
        raise InvalidInputError(
            f"No place was named, and the time zone {zone.key} names none."
            " Ask the user which place they mean."
        )
    return place


def _filter_by_region(found: Sequence[Place], where: str) -> Sequence[Place]:
    """Return the places in a country or region of this name."""
    wanted = {part.strip().casefold() for part in where.split(",")} - {""}
    return [place for place in found if wanted <= _list_region_names(place)]


def _list_region_names(place: Place) -> set[str]:
    names = (place.admin1, place.admin2, place.country, place.country_code)
    return {name.casefold() for name in names if name}


def _get_utc_offset(zone: str, now: datetime) -> object:
    return now.astimezone(ZoneInfo(zone)).utcoffset()
