"""The weather: now, on a given day, or in the next days."""

import re

from sandbox.llm.places import call_tool_with_place, extract_last_place, extract_places
from sandbox.llm.prompt_parsing import ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.time_expressions.day import find_day
from sandbox.llm.tool_result_parsing import find_error
from sandbox.llm.weather_report import DayFilter, describe_forecast

MAX_FORECAST_DAYS = 7

_TRIGGER = re.compile(
    r"(?i)\b(?:weather|forecast|umbrella|(?:will it|is it going to) (?:rain|snow)"
    r"|is it (?:raining|snowing|cold|warm|hot)"
    r"|how (?:cold|warm|hot) is it|погод\w*|прогноз\w*|зонт\w*|будет ли (?:дождь|снег)"
    r"|(?:идёт|идет) ли (?:дождь|снег))\b"
)
_WEEK = re.compile(r"(?i)\b(?:week|неделю|неделе)\b")
_WEEKEND = re.compile(r"(?i)\b(?:weekend|выходн\w+)\b")
_DAY_COUNT = re.compile(r"(?i)\b(\d{1,2})\s*(?:days?|дн\w+|день)\b")
_UNKNOWN_PLACE = "is not a place"
"""Part of the tool's error for a place that the weather service does not know."""
_COUNTRY = r",\s+[A-ZА-ЯЁ][\w-]+(?:\s[A-ZА-ЯЁ][\w-]+)*"
_SATURDAY = 5


def _start(request: SkillRequest) -> list[SkillScript] | str:
    tool = request.require_tool("get_weather")
    count, is_day_wanted = _parse_days(request)
    if count > MAX_FORECAST_DAYS:
        return request.localize(
            "The forecast covers only a week ahead.", "Прогноз есть только на неделю вперёд."
        )
    if is_day_wanted:  # The tool counts from today at the place, where it may be yesterday still.
        count = min(count + 1, MAX_FORECAST_DAYS)
    places = _extract_places(request.text)
    return [_report_weather(request, tool, place, count, is_day_wanted) for place in places]


def _extract_places(text: str) -> list[str]:
    """Return the places with their country or region; [""] if none is named."""
    names = extract_places(text) or [extract_last_place(text)]
    found = [(name, re.search(re.escape(name) + _COUNTRY, text)) for name in names]
    return [behind[0] if behind and name else name for name, behind in found]


def _report_weather(
    request: SkillRequest, tool: ToolDefinition, place: str, count: int, is_day_wanted: DayFilter
) -> SkillScript:
    days = count if count > 1 else None
    result = yield from call_tool_with_place(
        tool, place, unknown_place_error=_UNKNOWN_PLACE, days=days
    )
    error = find_error(result) or ""
    if not place and "No place" in error:
        return request.localize(
            "Where? For example: “What is the weather in Paris?”",
            "Где? Например: «Какая погода в Париже?»",
        )
    if _UNKNOWN_PLACE in error:
        return request.localize(
            f"The weather service does not know the place “{place}”.",
            f"Служба погоды не знает места «{place}».",
        )
    return describe_forecast(request, request.check_result(result), is_day_wanted)


def _parse_days(request: SkillRequest) -> tuple[int, DayFilter]:
    """Return the number of days and a filter; None is for all days and the current weather."""
    text, today = request.text, request.context.now.date()
    if count := _DAY_COUNT.search(text):
        return max(1, int(count[1])), None
    if _WEEKEND.search(text):
        return MAX_FORECAST_DAYS - today.weekday(), lambda day: day.weekday() >= _SATURDAY
    if _WEEK.search(text):
        return MAX_FORECAST_DAYS, None
    named = find_day(text, today)
    if not named.is_explicit or named.date <= today:
        return 1, None
    return (named.date - today).days + 1, lambda day: day == named.date


WEATHER = Skill(build_matcher(_TRIGGER), _start)
