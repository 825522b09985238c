"""Finds cities for what is no known name: names spelled like it, or cities with an offset."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .cities import Place, get_place, iter_city_lines, load_city_names, parse_place
from .names import strip_leading_words
from .zones import find_country, split_at_commas

_PART_COST = 1
"""What a name counts in typing errors that begins with the wanted one or is a part of it."""
_SHORTEST_PART = 3
"""How many letters are enough to search for names that begin with them."""
_OFFSET = re.compile(
    r"(?i)(?P<base>utc|gmt|msk|мск)? ?(?P<sign>[-+−–])(?P<hours>[0-9]{1,2})"
    r"(?::?(?P<minutes>[0-5][0-9]))?"
)
_BASE_OFFSETS = {"msk": timedelta(hours=3), "мск": timedelta(hours=3)}
"""Of names that are not UTC."""


def suggest_places(name: str, now: datetime, limit: int = 4) -> list[Place]:
    """Return the cities with the most similar names, the best first.

    Of equally similar names, that of the largest city comes first. For a country, this returns the
    largest city of each of its zones; for an offset such as UTC+3, the largest city of each zone
    that has it at the time `now`. Nothing is returned if no name is similar.
    """
    if (offset := _parse_offset(name)) is not None:
        places = _find_largest_of_zones(map(parse_place, iter_city_lines()))
        return [one for one in places if now.astimezone(ZoneInfo(one.zone)).utcoffset() == offset][
            :limit
        ]
    parts = split_at_commas(name)
    if not parts:
        return []
    wanted = strip_leading_words(parts[0])
    country = find_country(wanted)
    if country is not None:
        return _find_largest_of_zones(map(parse_place, iter_city_lines(country)))[:limit]
    return [get_place(number) for number in _find_similar(wanted)[:limit]]


def _parse_offset(text: str) -> timedelta | None:
    """Return the offset from UTC; None if the text is none."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        return None
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    base = _BASE_OFFSETS.get((found["base"] or "").casefold(), timedelta())
    return base + (offset if found["sign"] == "+" else -offset)


def _find_largest_of_zones(places: Iterable[Place]) -> list[Place]:
    """Return the first of each zone."""
    cities: dict[str, Place] = {}
    for place in places:
        cities.setdefault(place.zone, place)
    return list(cities.values())


def _find_similar(wanted: str) -> list[int]:
    """Return the numbers of the cities with similar names."""
    costs: dict[int, int] = {}
    for number, known in load_city_names().iter_names():
        cost = _compare(wanted, known)
        if cost is not None:
            costs[number] = min(cost, costs.get(number, cost))
    most = min(costs.values(), default=0) + 1
    similar = [number for number, cost in costs.items() if cost <= most]
    return sorted(similar, key=lambda number: (costs[number], number))


def _compare(wanted: str, known: str) -> int | None:
    """Return the number of typing errors between two names; None if there are too many."""
    if wanted == known:
        return 0
    if len(wanted) >= _SHORTEST_PART and f" {wanted}" in f" {known}":
        return _PART_COST
    if len(known) > _SHORTEST_PART and f" {known} " in f" {wanted} ":
        return _PART_COST
    limit = 1 + len(wanted) // 4
    if abs(len(wanted) - len(known)) > limit or len(set(wanted) ^ set(known)) > 2 * limit:
        return None
    count = count_typos(wanted, known)
    return count if count <= limit else None


def count_typos(one: str, other: str) -> int:
    """Return how many letters are wrong, missing, additional, or swapped with the next one."""
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        current = [i + 1]
        for j, other_letter in enumerate(other):
            cost = min(previous[j] + (letter != other_letter), previous[j + 1] + 1, current[j] + 1)
            if i and j and letter == other[j - 1] and one[i - 1] == other_letter:
                cost = min(cost, before[j - 1] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]
