"""get_weather: the current weather and the forecast of the next days."""

from itertools import islice
from zoneinfo import ZoneInfo

from smart_kit.contracts.functions import GetWeather
from smart_kit.errors import ToolExecutionError, UpstreamError, UpstreamUnavailable

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext
from .weather_location import find_place, find_place_for_zone
from .weather_report import render_report

_PLACE_ASSUMED = "No place was named; this is the city of the person's time zone."
_UNAVAILABLE = "The weather service does not answer at the moment."
_RATE_LIMITED = "The weather service's limit of requests is used up for now; ask again later."
_REJECTED = "The weather service could not answer this."


class WeatherTool(BaseTool[GetWeather]):
    """Reports the weather. Of the service's texts only short single-line names reach the model."""

    function = "get_weather"
    arguments = GetWeather

    async def _run(self, context: ToolContext, arguments: GetWeather) -> ToolResult:
        """Raises InvalidInputError for an unknown or ambiguous place, else ToolExecutionError."""
        try:
            return ToolResult(content=await self._build_report(context, arguments))
        except UpstreamUnavailable as error:
            is_rate_limited = error.status == 429
            raise ToolExecutionError(_RATE_LIMITED if is_rate_limited else _UNAVAILABLE) from error
        except UpstreamError as error:
            raise ToolExecutionError(_REJECTED) from error

    async def _build_report(self, context: ToolContext, arguments: GetWeather) -> str:
        weather, clock = self._services.weather, self._services.clock
        name = (arguments.place or "").strip()
        if name:
            place = await find_place(weather, name)
        else:
            place = await find_place_for_zone(weather, context.turn.zone, clock.now())
        today = clock.now(ZoneInfo(place.timezone)).date()
        forecast = await weather.get_forecast(place, today)
        report = render_report(place, forecast, islice(forecast.days, arguments.days or 1))
        return report if name else f"{_PLACE_ASSUMED}\n{report}"
