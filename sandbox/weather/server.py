"""Open-Meteo's geocoding and forecast at `/weather`, as far as assistants ask for them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web

from sandbox.weather.climate import SOURCE, DayWeather, temperature_at, weather_on
from sandbox.weather.gazetteer import find_places, zone_at

MOST_DAYS = 16
_USUAL_DAYS = 7
_CURRENT = {
    "temperature_2m": "°C",
    "apparent_temperature": "°C",
    "weather_code": "wmo code",
    "wind_speed_10m": "km/h",
    "is_day": "",
}
_DAILY: dict[str, tuple[str, Callable[[DayWeather], float]]] = {
    "weather_code": ("wmo code", lambda day: day.code),
    "temperature_2m_max": ("°C", lambda day: day.warmest),
    "temperature_2m_min": ("°C", lambda day: day.coldest),
    "precipitation_sum": ("mm", lambda day: day.precipitation),
    "precipitation_probability_max": ("%", lambda day: day.chance),
    "wind_speed_10m_max": ("km/h", lambda day: day.wind),
}

Query = Mapping[str, str]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadQuery(Exception):
    """What Open-Meteo answers with status 400."""


class WeatherServer:
    """The two routes, for a WEATHER_API_URL that ends in `/weather`."""

    def routes(self) -> list[web.RouteDef]:
        """For the application."""
        return [
            web.get("/weather/v1/search", _answering(_search)),
            web.get("/weather/v1/forecast", _answering(_forecast)),
        ]


def _answering(answer: Callable[[Query], dict[str, Any]]) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(answer(request.query))
        except BadQuery as error:
            return web.json_response({"error": True, "reason": str(error)}, status=400)

    return serve


def _search(query: Query) -> dict[str, Any]:
    if "name" not in query:
        raise BadQuery("Parameter 'name' is missing.")
    results = find_places(query["name"], query.get("language", "en"))
    return {"results": results} if results else {}


def _forecast(query: Query) -> dict[str, Any]:
    latitude = _coordinate(query, "latitude", 90)
    longitude = _coordinate(query, "longitude", 180)
    zone = query.get("timezone", "GMT")
    zone = zone_at(latitude, longitude) if zone == "auto" else zone
    if zone not in available_timezones():
        raise BadQuery("Invalid timezone")
    now = datetime.now(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)
    days = _days(query, now.date())
    weather = [weather_on(latitude, longitude, day) for day in days]
    current, daily = _chosen(query, "current", _CURRENT), _chosen(query, "daily", _DAILY)
    answer: dict[str, Any] = {
        "latitude": latitude,
        "longitude": longitude,
        "timezone": zone,
        "source": SOURCE,
    }
    if current:
        # the asker's today may be ahead of ours, where the suite's clock was moved
        moment = datetime.combine(days[0], now.time())
        values = _current(weather[0], moment)
        answer["current_units"] = {"time": "iso8601"} | {name: _CURRENT[name] for name in current}
        answer["current"] = {"time": moment.isoformat(timespec="minutes")} | {
            name: values[name] for name in current
        }
    if daily:
        answer["daily_units"] = {"time": "iso8601"} | {name: _DAILY[name][0] for name in daily}
        answer["daily"] = {"time": [day.isoformat() for day in days]} | {
            name: [_DAILY[name][1](day) for day in weather] for name in daily
        }
    return answer


def _current(weather: DayWeather, moment: datetime) -> dict[str, float]:
    temperature = temperature_at(weather, moment)
    return {
        "temperature_2m": temperature,
        "apparent_temperature": round(temperature - weather.wind / 10, 1),
        "weather_code": weather.code,
        "wind_speed_10m": round(weather.wind * 0.6, 1),
        "is_day": int(7 <= moment.hour < 19),
    }


def _coordinate(query: Query, name: str, most: float) -> float:
    try:
        value = float(query[name])
    except (KeyError, ValueError) as error:
        raise BadQuery(f"Parameter '{name}' must be a number.") from error
    if not -most <= value <= most:
        raise BadQuery(f"Parameter '{name}' must be in range of -{most} to {most}°.")
    return value


def _days(query: Query, today: date) -> list[date]:
    try:
        first = date.fromisoformat(query.get("start_date", today.isoformat()))
        usual = first + timedelta(days=int(query.get("forecast_days", _USUAL_DAYS)) - 1)
        last = date.fromisoformat(query.get("end_date", usual.isoformat()))
    except (ValueError, OverflowError) as error:
        raise BadQuery("A date or the number of days is not valid.") from error
    if "forecast_days" in query and ("start_date" in query or "end_date" in query):
        raise BadQuery("'forecast_days' and 'start_date' exclude each other.")
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise BadQuery(f"A forecast is for 1 to {MOST_DAYS} days.")
    return [first + timedelta(days=ahead) for ahead in range(count)]


def _chosen(query: Query, parameter: str, known: Mapping[str, object]) -> list[str]:
    names = [name for name in query.get(parameter, "").split(",") if name]
    for name in names:
        if name not in known:
            raise BadQuery(f"{parameter}: the sandbox has no variable {name!r}.")
    return names
