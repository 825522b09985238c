"""Which time zone a place is in: a table of cities and countries with one zone, and IANA's names.

The table (`cities.txt`: a zone, then names in English and Russian) is written by hand from the IANA
time zone database and general knowledge; models that meet a place it lacks are told how to ask.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from zoneinfo import available_timezones

from smart_kit.errors import InvalidInputError

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
"""What begins with anything else, e.g. US/Eastern or Etc/GMT+3, does not end in a place."""

_LEADING_WORDS = re.compile(r"^(?:the city of|city of|in|во|в|на|городе?|г) ")
_RUSSIAN_ENDING = re.compile("(?<=[а-я]{2})(?:ами|ями|ом|ем|ым|им|ах|ях|ых|их|[аеиоуыэюяь]+)$")
_INDECLINABLE = re.compile("(?<!ов)(?<!ев)(?<!ин)о$")
"""Токио, Осло, but not Иваново."""

_HINT = (
    "Call again with a large city nearby, in English, or an IANA time zone such as Asia/Tokyo; a"
    " country with several zones needs a city."
)


def zone_for(place: str) -> str:
    """The IANA zone of a city, a country with one zone, or a zone's own name, in any case.

    Understands English and Russian, the latter declined too. Raises InvalidInputError.
    """
    by_name, by_stem = _load_tables()
    name = _LEADING_WORDS.sub("", _normalize(place))
    zone = by_name.get(name) or by_stem.get(_stem_words(name))
    if zone is None:
        raise InvalidInputError(f"{place!r} is not a place that I know. {_HINT}")
    return zone


def city_for(zone: str) -> str | None:
    """The city that an IANA zone is named after, in English; None for UTC, US/Eastern and so on."""
    continent, _, rest = zone.partition("/")
    if not rest or continent not in _CONTINENTS:
        return None
    return rest.rpartition("/")[2].replace("_", " ")


@cache
def _load_tables() -> tuple[dict[str, str], dict[str, str]]:
    """Zones by name, and by the stems of Russian names as long as those mean one zone."""
    by_name: dict[str, str] = {}
    for zone in sorted(available_timezones()):
        by_name.setdefault(_normalize(zone), zone)
        continent, _, city = zone.partition("/")
        if city and continent in _CONTINENTS:
            by_name.setdefault(_normalize(city.rpartition("/")[2]), zone)
    by_stem: dict[str, str] = {}
    ambiguous: set[str] = set()
    for name, zone in _read_cities():
        by_name[_normalize(name)] = zone
        stem = _stem_words(_normalize(name))
        if not _INDECLINABLE.search(name) and by_stem.setdefault(stem, zone) != zone:
            ambiguous.add(stem)
    return by_name, {stem: zone for stem, zone in by_stem.items() if stem not in ambiguous}


def _read_cities() -> Iterator[tuple[str, str]]:
    table = (files(__package__) / "cities.txt").read_text(encoding="utf-8")
    for line in table.splitlines():
        zone, _, names = line.partition(" ")
        for name in names.split(", "):
            yield name, zone


def _normalize(name: str) -> str:
    """Lower case, without accents (so ё is е) and punctuation: "Нью-Йорк" is "нью иорк"."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w+]|_", " ", letters).split())


def _stem_words(name: str) -> str:
    """Each Russian word without its ending: "в Москве" and "Москва" meet in "москв"."""
    return " ".join(_stem_word(word) for word in name.split())


def _stem_word(word: str) -> str:
    while (shorter := _RUSSIAN_ENDING.sub("", word)) != word:
        word = shorter
    return word
