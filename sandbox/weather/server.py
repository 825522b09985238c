"""Open-Meteo's geocoding and forecast at `/weather`, as far as the assistant uses them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.weather.gazetteer import find_places
from sandbox.weather.invented_weather import SOURCE, DayWeather, temperature_at, weather_on

MAX_FORECAST_DAYS = 16
Variables = dict[str, tuple[str, Callable[[DayWeather, datetime], float]]]
"""Unit and value by name."""

_DEFAULT_FORECAST_DAYS = 7
_CURRENT_VARIABLES: Variables = {
    "temperature_2m": ("°C", temperature_at),
    "apparent_temperature": (
        "°C",
        lambda day, now: round(temperature_at(day, now) - day.wind_speed / 10, 1),
    ),
    "weather_code": ("wmo code", lambda day, _: day.code),
    "wind_speed_10m": ("km/h", lambda day, _: round(day.wind_speed * 0.6, 1)),
    "is_day": ("", lambda _, now: int(7 <= now.hour < 19)),
}
_DAILY_VARIABLES: Variables = {
    "weather_code": ("wmo code", lambda day, _: day.code),
    "temperature_2m_max": ("°C", lambda day, _: day.max_temperature),
    "temperature_2m_min": ("°C", lambda day, _: day.min_temperature),
    "precipitation_sum": ("mm", lambda day, _: day.precipitation),
    "precipitation_probability_max": ("%", lambda day, _: day.precipitation_probability),
    "wind_speed_10m_max": ("km/h", lambda day, _: day.wind_speed),
}

WeatherQuery = Mapping[str, str]


class InvalidQuery(Exception):
    """Answered with status 400, as Open-Meteo does."""


def weather_routes() -> list[web.RouteDef]:
    """Return the two routes, for a WEATHER_API_URL that ends in `/weather`."""
    return [
        web.get("/weather/v1/search", _build_json_handler(_search_places)),
        web.get("/weather/v1/forecast", _build_json_handler(_build_forecast)),
    ]


def _build_json_handler(build_response: Callable[[WeatherQuery], dict[str, Any]]) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(build_response(request.query))
        except InvalidQuery as error:
            return web.json_response({"error": True, "reason": str(error)}, status=400)

    return serve


def _search_places(query: WeatherQuery) -> dict[str, Any]:
    if "name" not in query:
        raise InvalidQuery("Parameter 'name' is missing.")
    results = find_places(query["name"], query.get("language", "en"))
    return {"results": results} if results else {}


def _build_forecast(query: WeatherQuery) -> dict[str, Any]:
    latitude = _parse_coordinate(query, "latitude", 90)
    longitude = _parse_coordinate(query, "longitude", 180)
    zone = query.get("timezone", "GMT")
    if zone not in available_timezones():
        raise InvalidQuery("Invalid timezone")
    now = datetime.now(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)
    days = _parse_date_range(query, now.date())
    weather = [weather_on(latitude, longitude, day) for day in days]
    current = _parse_variables(query, "current", _CURRENT_VARIABLES)
    daily = _parse_variables(query, "daily", _DAILY_VARIABLES)
    response: dict[str, Any] = {"latitude": latitude, "longitude": longitude}
    response |= {"timezone": zone, "source": SOURCE}
    # The client's today may be later than ours: the suite's clock can be moved forward.
    moment = datetime.combine(days[0], now.time())
    if current:
        units, values = _evaluate_variables(_CURRENT_VARIABLES, current, weather[:1], moment)
        response["current_units"] = {"time": "iso8601", **units}
        response["current"] = {"time": moment.isoformat(timespec="minutes")} | {
            name: value for name, (value,) in values.items()
        }
    if daily:
        units, values = _evaluate_variables(_DAILY_VARIABLES, daily, weather, moment)
        response["daily_units"] = {"time": "iso8601", **units}
        response["daily"] = {"time": [day.isoformat() for day in days], **values}
    return response


def _evaluate_variables(
    variables: Variables, names: list[str], weather: list[DayWeather], moment: datetime
) -> tuple[dict[str, str], dict[str, list[float]]]:
    """Return the units of the variables, and their values on all days."""
    units = {name: variables[name][0] for name in names}
    return units, {name: [variables[name][1](day, moment) for day in weather] for name in names}


def _parse_coordinate(query: WeatherQuery, name: str, limit: float) -> float:
    try:
        value = float(query[name])
    except (KeyError, ValueError) as error:
        raise InvalidQuery(f"Parameter '{name}' must be a number.") from error
    if not -limit <= value <= limit:
        raise InvalidQuery(f"Parameter '{name}' must be in range of -{limit} to {limit}°.")
    return value


def _parse_date_range(query: WeatherQuery, today: date) -> list[date]:
    try:
        first = date.fromisoformat(query.get("start_date", today.isoformat()))
        default_last = first + timedelta(days=_DEFAULT_FORECAST_DAYS - 1)
        last = date.fromisoformat(query.get("end_date", default_last.isoformat()))
    except (ValueError, OverflowError) as error:
        raise InvalidQuery("A date is not valid.") from error
    count = (last - first).days + 1
    if not 1 <= count <= MAX_FORECAST_DAYS:
        raise InvalidQuery(f"A forecast is for 1 to {MAX_FORECAST_DAYS} days.")
    return [first + timedelta(days=ahead) for ahead in range(count)]


def _parse_variables(query: WeatherQuery, parameter: str, known: Mapping[str, object]) -> list[str]:
    names = [name for name in query.get(parameter, "").split(",") if name]
    for name in names:
        if name not in known:
            raise InvalidQuery(f"{parameter}: the sandbox has no variable {name!r}.")
    return names
