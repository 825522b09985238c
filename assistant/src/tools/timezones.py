"""Time zones of places, and local times, in which models give and get times.

The zone of a place comes from a table of cities and countries, and IANA's zone names. Each line of
the table (`cities.txt`) is a zone, then names in English and Russian. It is written by hand. The
error for a place that it lacks tells the model which places to use instead.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

from smart_kit import local_time
from smart_kit.errors import InvalidInputError, InvalidRequest

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

_LEADING_WORDS = re.compile(r"^(?:the city of|city of|in|во|в|на|городе?|г) ")
_RUSSIAN_ENDING = re.compile("(?<=[а-я]{2})(?:ами|ями|ом|ем|ым|им|ах|ях|ых|их|[аеиоуыэюяь]+)$")
_INDECLINABLE = re.compile("(?<!ов)(?<!ев)(?<!ин)о$")
"""Токио, Осло, but not Иваново."""

_HINT = (
    "Call again with a large city nearby, in English, or an IANA time zone such as Asia/Tokyo; a"
    " country with several zones needs a city."
)


def zone_for(place: str) -> str:
    """Return the IANA zone of a city, of a country with one zone, or of a zone name, in any case.
    Names may be English or Russian, also declined. Raises InvalidInputError."""
    by_name, by_stem = _load_tables()
    name = _LEADING_WORDS.sub("", _normalize(place))
    zone = by_name.get(name) or by_stem.get(_stem_words(name))
    if zone is None:
        raise InvalidInputError(f"No single time zone is known for {place!r}. {_HINT}")
    return zone


def city_for(zone: str) -> str | None:
    """Return the city in a zone's name, in English; None for UTC, US/Eastern and so on."""
    continent, _, rest = zone.partition("/")
    if not rest or continent not in _CONTINENTS:
        return None
    return rest.rpartition("/")[2].replace("_", " ")


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


@cache
def _load_tables() -> tuple[dict[str, str], dict[str, str]]:
    """Return zones by name, and by the stems of Russian names that are unambiguous."""
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
    """Return lower case without accents (so ё is е) and punctuation: "Нью-Йорк" → "нью иорк"."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w+]|_", " ", letters).split())


def _stem_words(name: str) -> str:
    """Remove the ending of each Russian word: "Москве" and "Москва" both become "москв"."""
    return " ".join(_stem_word(word) for word in name.split())


def _stem_word(word: str) -> str:
    while (shorter := _RUSSIAN_ENDING.sub("", word)) != word:
        word = shorter
    return word
