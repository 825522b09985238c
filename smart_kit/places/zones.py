"""Finds the time zone of a place by its name."""

from functools import cache
from typing import NamedTuple
from zoneinfo import available_timezones

from .cities import (
    get_place,
    index_city_names,
    iter_city_lines,
    iter_table,
    load_city_names,
    parse_place,
)
from .names import NameIndex, normalize_name, strip_leading_words

_CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
"""Other zones, e.g. US/Eastern or Etc/GMT+3, do not end in the name of a place."""
_NOT_PLACES = frozenset(["Factory", "localtime"])


def find_zone(name: str) -> str | None:
    """Return the IANA zone of a city, of a country with one zone, of a region, or of a zone name.

    Names may be English or Russian, also declined, in any case. A country may follow a city after a
    comma. Of several cities with the same name, the largest is meant.
    """
    parts = split_at_commas(name)
    if not parts:
        return None
    whole = " ".join(parts)
    return (
        _find_by_name(whole) or _find_by_name(strip_leading_words(whole)) or _find_in_country(parts)
    )


def split_at_commas(name: str) -> list[str]:
    """Return the normalized parts of a name such as "Paris, France"."""
    return [part for each in normalize_name(name).split(",") if (part := each.strip())]


def find_country(name: str) -> str | None:
    """Return the ISO code of the country with a normalized name."""
    names, regions = _load_regions()
    number = _find_line(names, name)
    return None if number is None else regions[number].country or None


def get_city_of_zone(zone: str) -> str | None:
    """Return the city in a zone's name, in English; None for UTC, US/Eastern and so on."""
    continent, _, rest = zone.partition("/")
    if not rest or continent not in _CONTINENTS:
        return None
    return rest.rpartition("/")[2].replace("_", " ")


def _find_by_name(name: str) -> str | None:
    names, regions = _load_regions()
    for find in (NameIndex.find, NameIndex.find_declined):
        if (number := find(names, name)) is not None:
            return regions[number].zone or None
        if (number := find(load_city_names(), name)) is not None:
            return get_place(number).zone
    return _load_zone_names().get(name)


def _find_in_country(parts: list[str]) -> str | None:
    """Return the zone of the city or region that comes first, in the country that comes last."""
    code = find_country(parts[-1]) if len(parts) > 1 else None
    if code is None:
        return None
    name, lines = strip_leading_words(parts[0]), list(iter_city_lines(code))
    if (number := _find_line(index_city_names(lines), name)) is not None:
        return parse_place(lines[number]).zone
    names, regions = _load_regions()
    number = _find_line(names, name)
    return None if number is None or regions[number].country else regions[number].zone


def _find_line(names: NameIndex, name: str) -> int | None:
    number = names.find(name)
    return names.find_declined(name) if number is None else number


class _Region(NamedTuple):
    country: str
    """ISO code; empty for what is not a country."""
    zone: str
    """Empty if there are several."""
    names: str


@cache
def _load_regions() -> tuple[NameIndex, list[_Region]]:
    regions = [_Region(*line.split("\t")) for line in iter_table("regions.tsv")]
    return NameIndex([region.names for region in regions]), regions


@cache
def _load_zone_names() -> dict[str, str]:
    """Return IANA's zones by their names and by the cities in these."""
    zones = sorted(available_timezones() - _NOT_PLACES)
    cities = {normalize_name(city): zone for zone in zones if (city := get_city_of_zone(zone))}
    return cities | {normalize_name(zone): zone for zone in zones}
