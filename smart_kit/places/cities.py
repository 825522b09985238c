"""The table of cities.

Only the names stay in memory. The rest is read when it is needed, which takes a few ms.
"""

import math
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import NamedTuple

from .names import NameIndex


class Place(NamedTuple):
    """A city."""

    name: str
    """In English."""
    name_ru: str
    """In Russian; in English where the Russian name is not known."""
    country: str
    """ISO 3166-1 alpha-2 code."""
    zone: str
    """IANA time zone."""
    latitude: float
    """Degrees, positive in the north."""
    longitude: float
    """Degrees, positive in the east."""
    population: int


def find_nearest_city(latitude: float, longitude: float) -> Place:
    """Return the city nearest to a point, in degrees, along the surface of the Earth."""
    meter = _NearnessMeter(latitude, longitude)
    return parse_place(max(iter_city_lines(), key=meter.measure))


class _NearnessMeter:
    """Measures how near cities are to a point."""

    def __init__(self, latitude: float, longitude: float) -> None:
        self._sine = math.sin(math.radians(latitude))
        self._cosine = math.cos(math.radians(latitude))
        self._longitude = longitude

    def measure(self, line: str) -> float:
        """Return the cosine of the angle between the point and a city, seen from the centre."""
        columns = line.split("\t")
        latitude = math.radians(float(columns[5]))
        turn = math.radians(float(columns[6]) - self._longitude)
        across = self._cosine * math.cos(latitude) * math.cos(turn)
        return self._sine * math.sin(latitude) + across


def iter_city_lines(country: str | None = None) -> Iterator[str]:
    """Yield the lines of the table, or of a country in it, the largest city first."""
    lines = iter_table("cities.tsv")
    return lines if country is None else (line for line in lines if f"\t{country}\t" in line)


def iter_table(name: str) -> Iterator[str]:
    """Yield the lines of a file of this package without its comments."""
    with (files(__package__) / name).open(encoding="utf-8") as file:
        yield from (line.rstrip("\n") for line in file if not line.startswith("#"))


@cache
def load_city_names() -> NameIndex:
    """Return the names of all cities."""
    return index_city_names(iter_city_lines())


def index_city_names(lines: Iterable[str]) -> NameIndex:
    """Return the names in lines of the table."""
    return NameIndex(line.rsplit("\t", 5)[0] for line in lines)


def get_place(number: int) -> Place:
    """Return the city of a line of the table."""
    return parse_place(next(islice(iter_city_lines(), number, None)))


def parse_place(line: str) -> Place:
    """Return the city of a line."""
    name, russian, _, country, zone, latitude, longitude, population = line.split("\t")
    where = float(latitude), float(longitude)
    return Place(name, russian or name, country, zone, *where, int(population))
