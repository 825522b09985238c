"""The weather: now, on a given day, or in the next days."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sandbox.llm.places import extract_last_place, extract_places, guess_nominative_forms
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import (
    Skill,
    SkillRequest,
    SkillScript,
    matches_any,
    require_tool,
    tool_failure_error,
)
from sandbox.llm.time_expressions.day import find_day
from sandbox.llm.tool_result_parsing import find_error
from sandbox.llm.weather_report import describe_forecast

MAX_FORECAST_DAYS = 7

_TRIGGER = re.compile(
    r"\b(?:weather|forecast|umbrella|(?:will it|is it going to) (?:rain|snow)"
    r"|is it (?:raining|snowing|cold|warm|hot)"
    r"|how (?:cold|warm|hot) is it|погод\w*|прогноз\w*|зонт\w*|будет ли (?:дождь|снег)"
    r"|(?:идёт|идет) ли (?:дождь|снег))\b",
    re.IGNORECASE,
)
_WEEK = re.compile(r"\b(?:week|неделю|неделе)\b", re.IGNORECASE)
_WEEKEND = re.compile(r"\b(?:weekend|выходн\w+)\b", re.IGNORECASE)
_DAY_COUNT = re.compile(r"\b(\d{1,2})\s*(?:days?|дн\w+|день)\b", re.IGNORECASE)
_UNKNOWN_PLACE = "is not a place"
"""Part of the tool's error for a place that the weather service does not know."""
_COUNTRY = r",\s+[A-ZА-ЯЁ][\w-]+(?:\s[A-ZА-ЯЁ][\w-]+)*"
_SATURDAY = 5


@dataclass(frozen=True)
class _DayRange:
    """The number of days to request and a filter; None shows all days and the current weather.

    The tool counts days from today at the place, where it may still be yesterday. Therefore a
    request for certain days asks for one more.
    """

    count: int
    is_day_wanted: Callable[[date], bool] | None = None

    @property
    def requested_count(self) -> int:
        """The number of days to request from the tool."""
        return self.count if self.is_day_wanted is None else min(self.count + 1, MAX_FORECAST_DAYS)


def _start(request: SkillRequest) -> list[SkillScript] | str:
    tool = require_tool(request, "get_weather", "the weather", "для погоды")
    days = _parse_days(request)
    if days.count > MAX_FORECAST_DAYS:
        return request.localize(
            "The forecast covers only a week ahead.", "Прогноз есть только на неделю вперёд."
        )
    return [_call_tool(request, tool, days, place) for place in _extract_places(request.text)]


def _extract_places(text: str) -> list[str]:
    """Return the places with their country or region; [""] where none is named."""
    names = extract_places(text) or [extract_last_place(text)]
    return [_add_country(text, name) if name else "" for name in names]


def _add_country(text: str, name: str) -> str:
    behind = re.search(re.escape(name) + _COUNTRY, text)
    return behind[0] if behind else name


def _call_tool(
    request: SkillRequest, tool: ToolDefinition, days: _DayRange, place: str
) -> SkillScript:
    reason = ""
    for form in (place, *guess_nominative_forms(place)):
        given = {"place": form, "days": days.requested_count if days.requested_count > 1 else None}
        arguments = {
            name: value for name, value in given.items() if value and tool.has_parameter(name)
        }
        result = yield ToolCall(tool.name, arguments)
        error = find_error(result)
        if error is None:
            return describe_forecast(request, result, days.is_day_wanted)
        reason = reason or error
        if _UNKNOWN_PLACE not in error:
            break
    if not place and "No place" in reason:
        return request.localize(
            "Where? For example: “What is the weather in Paris?”",
            "Где? Например: «Какая погода в Париже?»",
        )
    if _UNKNOWN_PLACE in reason:
        return request.localize(
            f"The weather service does not know the place “{place}”.",
            f"Служба погоды не знает места «{place}».",
        )
    raise tool_failure_error(request, reason)


def _parse_days(request: SkillRequest) -> _DayRange:
    text, today = request.text, request.context.now.date()
    if count := _DAY_COUNT.search(text):
        return _DayRange(max(1, int(count[1])))
    if _WEEKEND.search(text):
        return _DayRange(
            MAX_FORECAST_DAYS - today.weekday(), lambda day: day.weekday() >= _SATURDAY
        )
    if _WEEK.search(text):
        return _DayRange(MAX_FORECAST_DAYS)
    named = find_day(text, today)
    if named is None or not named.is_explicit or named.date <= today:
        return _DayRange(1)
    return _DayRange((named.date - today).days + 1, lambda day: day == named.date)


WEATHER = Skill(matches_any(_TRIGGER), _start)
