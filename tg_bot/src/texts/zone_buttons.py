"""Buttons that offer time zones, each with its present time."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_location

from smart_kit.contracts.queue import InlineButton
from smart_kit.places import get_city_of_zone

from .datetimes import format_present_time
from .text_context import TextContext

MAX_ZONES = 6

_HALF_YEAR = timedelta(days=182)


def choose_zones(zones: Iterable[str], now: datetime) -> list[str]:
    """Return the first zones whose clocks differ, now or in half a year."""
    distinct: dict[tuple[timedelta | None, ...], str] = {}
    for zone in zones:
        local_times = (moment.astimezone(ZoneInfo(zone)) for moment in (now, now + _HALF_YEAR))
        distinct.setdefault(tuple(time.utcoffset() for time in local_times), zone)
    return list(distinct.values())[:MAX_ZONES]


def build_zone_buttons(
    kind: str, zones: Iterable[str], context: TextContext
) -> tuple[InlineButton, ...]:
    """Return a button for each zone; `kind` is the first part of its callback data."""
    return tuple(build_zone_button(kind, _get_name(zone, context), zone, context) for zone in zones)


def build_zone_button(kind: str, name: str, zone: str, context: TextContext) -> InlineButton:
    """Return a button like "Berlin · 14:05"."""
    label = f"{name} · {format_present_time(zone, context)}"
    return InlineButton(label=label, data=f"{kind}:{zone}")


def format_country(code: str, context: TextContext) -> str:
    """Return the name of a country with an ISO 3166-1 alpha-2 code."""
    names = Locale(context.translation.language).territories
    return str(names.get(code, code))


def _get_name(zone: str, context: TextContext) -> str:
    """Return the city of a zone, translated if its translation is known; UTC has none."""
    if get_city_of_zone(zone) is None:
        return zone
    city = get_timezone_location(zone, locale=context.translation.language, return_city=True)
    return city.rpartition("/")[2]
