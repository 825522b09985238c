"""get_weather: the current weather and the forecast of the next days."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain, islice
from zoneinfo import ZoneInfo

from smart_kit.contracts.builtin_functions import GetWeatherArguments
from smart_kit.errors import (
    InvalidInputError,
    ToolExecutionError,
    UpstreamError,
    UpstreamUnavailable,
)

from ..core.journal import ToolResult
from ..services.open_meteo import OpenMeteoClient
from ..services.open_meteo_schemas import CurrentWeather, DayForecast, Forecast, Place
from .base import BaseTool, ToolContext
from .timezones import city_for

WEATHER_DESCRIPTIONS = {
    0: "clear",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "rime fog",
    51: "light drizzle",
    53: "drizzle",
    55: "dense drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light showers",
    81: "showers",
    82: "violent showers",
    85: "light snow showers",
    86: "snow showers",
    95: "thunderstorm",
    96: "thunderstorm with hail",
    99: "thunderstorm with heavy hail",
}
"""By WMO code 4677, as far as Open-Meteo uses it."""

_PLACE_ASSUMED = "No place was named; this is the city of the person's time zone."
_UNAVAILABLE = "The weather service does not answer at the moment."
_RATE_LIMITED = "The weather service's limit of requests is used up for now; ask again later."
_MAX_SUGGESTIONS = 5


class WeatherTool(BaseTool[GetWeatherArguments]):
    """Reports the weather. Of the service's texts only short single-line names reach the model."""

    function = "get_weather"
    arguments = GetWeatherArguments

    async def _run(self, context: ToolContext, arguments: GetWeatherArguments) -> ToolResult:
        try:
            return ToolResult(content=await self._build_report(context, arguments))
        except UpstreamUnavailable as error:
            is_rate_limited = error.status == 429
            raise ToolExecutionError(_RATE_LIMITED if is_rate_limited else _UNAVAILABLE) from error
        except UpstreamError as error:
            raise ToolExecutionError("The weather service could not answer this.") from error

    async def _build_report(self, context: ToolContext, arguments: GetWeatherArguments) -> str:
        weather, clock = self._services.weather, self._services.clock
        name = (arguments.place or "").strip()
        if name:
            place = await find_place(weather, name)
        else:
            place = await _find_place_for_zone(weather, context.turn.zone, clock.now())
        today = clock.now(ZoneInfo(place.timezone)).date()
        forecast = await weather.get_forecast(place, today)
        report = render_report(place, forecast, islice(forecast.days, arguments.days or 1))
        return report if name else f"{_PLACE_ASSUMED}\n{report}"


async def find_place(weather: OpenMeteoClient, name: str) -> Place:
    """Return the place of this name; “, country” or “, region” after it selects among several.
    Raises InvalidInputError, which lists the places there are."""
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


async def _find_place_for_zone(weather: OpenMeteoClient, zone: ZoneInfo, now: datetime) -> Place:
    city = city_for(zone.key)
    found = await weather.search_places(city) if city else ()
    in_zone = (place for place in found if place.timezone == zone.key)
    offset = now.astimezone(zone).utcoffset()
    at_same_time = (
        place for place in found if now.astimezone(ZoneInfo(place.timezone)).utcoffset() == offset
    )
    place = next(chain(in_zone, at_same_time), None)
    if place is None:
        raise InvalidInputError(
            f"No place was named, and the time zone {zone.key} names none."
            " Ask the user which place they mean."
        )
    return place


def _filter_by_region(places: Sequence[Place], where: str) -> list[Place]:
    wanted = {part.strip().casefold() for part in where.split(",")} - {""}
    return [
        place
        for place in places
        if wanted
        <= {
            (name or "").casefold()
            for name in (place.admin1, place.admin2, place.country, place.country_code)
        }
    ]


def render_report(place: Place, forecast: Forecast, days: Iterable[DayForecast]) -> str:
    """Return lines for the place, the current weather, each day, and the source."""
    now = [_render_current(forecast.current)] if forecast.current is not None else []
    head = f"Weather in {place.label} ({place.timezone})"
    return "\n".join((head, *now, *map(_render_day, days), f"Source: {forecast.source}"))


def _render_current(current: CurrentWeather) -> str:
    parts = (
        _format_value("{} °C", current.temperature_2m),
        _format_value("feels like {} °C", current.apparent_temperature),
        _describe_code(current.weather_code),
        _format_value("wind {} km/h", current.wind_speed_10m),
    )
    return f"Now, {current.time:%a %Y-%m-%d %H:%M}: {_join_parts(parts)}"


def _render_day(day: DayForecast) -> str:
    parts = (
        _describe_code(day.weather_code),
        _render_temperatures(day),
        _render_precipitation(day),
        _format_value("wind up to {} km/h", day.wind),
    )
    return f"{day.date:%a %Y-%m-%d}: {_join_parts(parts)}"


def _render_temperatures(day: DayForecast) -> str:
    if day.coldest is None or day.warmest is None:
        return ""
    return f"{round(day.coldest)} to {round(day.warmest)} °C"


def _render_precipitation(day: DayForecast) -> str:
    if day.precipitation is None:
        return ""
    chance = _format_value(" ({} %)", day.chance)
    return f"precipitation {day.precipitation:g} mm{chance}"


def _describe_code(code: int | None) -> str:
    return "" if code is None else WEATHER_DESCRIPTIONS.get(code, f"weather code {code}")


def _format_value(form: str, value: float | None) -> str:
    return "" if value is None else form.format(round(value))


def _join_parts(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part) or "not known"
