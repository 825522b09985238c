"""Renders the weather as text for a model."""

from collections.abc import Iterable

from ..services.open_meteo_schemas import CurrentWeather, DayForecast, Forecast, Place

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
