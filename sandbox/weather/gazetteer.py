"""Places with their coordinates: cities of a table, and cities that time zones are named after.

As in Open-Meteo, a name is found in the language of the request, and "Paris, Texas" is not found.
Zone cities are known only by their English names. Unlike in Open-Meteo, Russian names are also
found in other cases, because the demo model takes them from user messages unchanged.

A line of `cities.txt`: latitude, longitude and zone; names in English and in Russian, the first of
them displayed, alternatives behind slashes; regions; countries; the country code.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

_RUSSIAN_ENDING = re.compile("(?<=[а-я]{2})(?:[аяыи]х|[оеыи]м|[аеиоуыэюяь]+)$")
_ISO_6709 = re.compile(r"([+-])(\d\d)(\d\d)\d*([+-])(\d{3})(\d\d)")
"""Latitude and longitude in IANA's table: ±DDMM±DDDMM, optionally with seconds."""


class City(NamedTuple):
    """A place with its normalised names."""

    search_keys: frozenset[str]
    fields: dict[str, Any]
    """The fields of Open-Meteo's response."""


def find_places(name: str, language: str) -> list[dict[str, Any]]:
    """Return the results of a search; empty for an unknown name."""
    if "," in name:
        return []
    is_russian = language == "ru"
    wanted = _normalize_name(name, is_russian)
    return [city.fields for city in load_cities(is_russian) if wanted in city.search_keys]


@cache
def load_cities(is_russian: bool) -> tuple[City, ...]:
    """Return all places that can be found in a language."""
    lines = (files(__package__) / "cities.txt").read_text("utf-8").splitlines()
    table = [_parse_city(line.split("; "), index, is_russian) for index, line in enumerate(lines)]
    known = set[tuple[str, str]]().union(*map(_get_zone_name_pairs, table))
    zone_rows = [] if is_russian else [*_read_zone_cities()]
    zone_cities = [_parse_city(row, len(table) + i, is_russian) for i, row in enumerate(zone_rows)]
    return (*table, *(city for city in zone_cities if known.isdisjoint(_get_zone_name_pairs(city))))


def _get_zone_name_pairs(city: City) -> set[tuple[str, str]]:
    return {(city.fields["timezone"], key) for key in city.search_keys}


def _parse_city(columns: list[str], index: int, is_russian: bool) -> City:
    where, *texts, code = columns
    latitude, longitude, zone = where.split()
    names, region, country = texts[int(is_russian) :: 2]
    facts = {
        "id": index + 1,
        "name": names.partition("/")[0],
        "latitude": float(latitude),
        "longitude": float(longitude),
        "timezone": zone,
        "country_code": code,
        "country": country,
        **({"admin1": region} if region else {}),
    }
    return City(frozenset(_normalize_name(name, is_russian) for name in names.split("/")), facts)


def _read_zone_cities() -> Iterator[list[str]]:
    """Yield the cities of IANA's zone table, which has coordinates and countries, as columns."""
    countries = {code: name for code, name, *_ in _read_iana_rows("iso3166.tab")}
    for code, where, zone, *_ in _read_iana_rows("zone.tab"):
        found = _ISO_6709.match(where)
        assert found, "every row of the table has coordinates"
        latitude, longitude = _to_degrees(*found.groups()[:3]), _to_degrees(*found.groups()[3:])
        name, country = zone.rpartition("/")[2].replace("_", " "), countries[code]
        yield [f"{latitude} {longitude} {zone}", name, name, "", "", country, country, code]


def _read_iana_rows(table: str) -> Iterator[list[str]]:
    lines = (files("tzdata") / "zoneinfo" / table).read_text("utf-8").splitlines()
    return (line.split("\t") for line in lines if not line.startswith("#"))


def _to_degrees(sign: str, degrees: str, minutes: str) -> float:
    return round(float(f"{sign}1") * (int(degrees) + int(minutes) / 60), 2)


def _normalize_name(name: str, is_russian: bool) -> str:
    """Remove case, accents, punctuation and, in Russian, case endings."""
    signs = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(sign for sign in signs if not unicodedata.combining(sign))
    words = re.sub(r"[^\w]+", " ", letters).split()
    return " ".join(_RUSSIAN_ENDING.sub("", word) if is_russian else word for word in words)
