"""Where places are: some large cities, and somewhere for any other name.

As with Open-Meteo a name is found in the language that is asked in, and "Paris, Texas" as a whole
is none. Unlike there Russian names are also found declined, as the demo model takes them from what
people write.
"""

import re
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any
from zoneinfo import available_timezones

_ENDING = re.compile("(?<=[а-я]{3})(?:ах|ях|[аеиоуыэюяйь]+)$")
_SHORTEST = 2
_LETTER = re.compile(r"[^\W\d_]")


def find_places(name: str, language: str) -> list[dict[str, Any]]:
    """The results of a search, as Open-Meteo gives them."""
    name = " ".join(name.split())
    if len(name) < _SHORTEST or "," in name or not _LETTER.search(name):
        return []
    is_russian = language == "ru"
    wanted = _stems(name) if is_russian else name.casefold()
    found = [city for city in _cities(is_russian) if _key(city, is_russian) == wanted]
    return found or [_somewhere(name)]


def zone_at(latitude: float, longitude: float) -> str:
    """What `timezone=auto` means there."""
    here = (latitude, longitude)
    zones = (
        str(city["timezone"])
        for city in _cities(False)
        if (city["latitude"], city["longitude"]) == here
    )
    return next(zones, "GMT")


@cache
def _cities(is_russian: bool) -> tuple[dict[str, Any], ...]:
    lines = (files(__package__) / "cities.txt").read_text("utf-8").splitlines()
    return tuple(_city(line.split("; "), index, is_russian) for index, line in enumerate(lines))


def _city(columns: list[str], index: int, is_russian: bool) -> dict[str, Any]:
    where, *names, code = columns
    latitude, longitude, zone = where.split()
    name, region, country = names[int(is_russian) :: 2]
    return {
        "id": index + 1,
        "name": name,
        "latitude": float(latitude),
        "longitude": float(longitude),
        "timezone": zone,
        "country_code": code,
        "country": country,
        **({"admin1": region} if region else {}),
    }


def _key(city: dict[str, Any], is_russian: bool) -> str:
    name = str(city["name"])
    return _stems(name) if is_russian else name.casefold()


def _stems(name: str) -> str:
    words = re.split(r"[\s-]+", name.casefold().replace("ё", "е"))
    return " ".join(_ENDING.sub("", word) for word in words)


def _somewhere(name: str) -> dict[str, Any]:
    """A place of the temperate zone, always the same for a name."""
    chance = Random(name.casefold())  # noqa: S311 # nobody gains by guessing it
    return {
        "id": chance.randrange(10**6, 10**7),
        "name": name,
        "latitude": round(chance.uniform(35, 60), 2),
        "longitude": round(chance.uniform(-10, 60), 2),
        "timezone": _zones().get(name.casefold(), "UTC"),
    }


@cache
def _zones() -> dict[str, str]:
    """IANA's zones by the cities they are named after."""
    zones = (zone for zone in sorted(available_timezones()) if "/" in zone)
    return {zone.rpartition("/")[2].replace("_", " ").casefold(): zone for zone in zones}
