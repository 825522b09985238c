"""The weather, if there is a tool for it: now, on a day, in the next days."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sandbox.llm.failure_texts import missing_tool_text, tool_failure_text
from sandbox.llm.places import extract_last_place, extract_places, guess_nominative_forms
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
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
"""What the tool says of a name that the weather service does not know."""
_COUNTRY = r",\s+[A-ZА-ЯЁ][\w-]+(?:\s[A-ZА-ЯЁ][\w-]+)*"
_SATURDAY = 5


@dataclass(frozen=True)
class _DayRange:
    """How many days to ask for, and which of them are meant; None: all, and now.

    Days are counted from today at the place, where it may still be yesterday: whoever means certain
    days asks for one more.
    """

    count: int
    is_day_wanted: Callable[[date], bool] | None = None

    @property
    def requested_count(self) -> int:
        """What the tool is given."""
        return self.count if self.is_day_wanted is None else min(self.count + 1, MAX_FORECAST_DAYS)


def _matches(request: SkillRequest) -> bool:
    return _TRIGGER.search(request.text) is not None


def _start(request: SkillRequest) -> list[SkillScript] | str:
    tool = request.context.find_tool("get_weather")
    if tool is None:
        return missing_tool_text(request, "the weather", "для погоды")
    days = _parse_days(request)
    if days.count > MAX_FORECAST_DAYS:
        return request.localize(
            "I can look no further than a week ahead.", "Дальше чем на неделю вперёд я не вижу."
        )
    return [_call_tool(request, tool, days, place) for place in _extract_places(request.text)]


def _extract_places(text: str) -> list[str]:
    """The places as they are named, with a country or region behind; "" where none is."""
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
            f"The weather service knows no place called “{place}”.",
            f"Служба погоды не знает места «{place}».",
        )
    return tool_failure_text(request, reason)


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


WEATHER = Skill(_matches, _start)
