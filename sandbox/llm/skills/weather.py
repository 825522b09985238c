"""The weather, if there is a tool for it: now, on a day, in the next days."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.places import named_place, other_forms, places
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import failure
from sandbox.llm.skill import Request, Script, Skill
from sandbox.llm.weather_report import told
from sandbox.llm.when.day import find_day

MOST_DAYS = 7

_ASKED = re.compile(
    r"\b(?:weather|forecast|umbrella|(?:will it|is it going to) (?:rain|snow)"
    r"|is it (?:raining|snowing|cold|warm|hot)"
    r"|how (?:cold|warm|hot) is it|погод\w*|прогноз\w*|зонт\w*|будет ли (?:дождь|снег)"
    r"|(?:идёт|идет) ли (?:дождь|снег))\b",
    re.IGNORECASE,
)
_WEEK = re.compile(r"\b(?:week|неделю|неделе)\b", re.IGNORECASE)
_WEEKEND = re.compile(r"\b(?:weekend|выходн\w+)\b", re.IGNORECASE)
_COUNT = re.compile(r"\b(\d{1,2})\s*(?:days?|дн\w+|день)\b", re.IGNORECASE)
_UNKNOWN = "is not a place"
"""What the tool says of a name that the weather service does not know."""
_COUNTRY = r",\s+[A-ZА-ЯЁ][\w-]+(?:\s[A-ZА-ЯЁ][\w-]+)*"
_SATURDAY = 5


@dataclass(frozen=True)
class _Days:
    """How many days to ask for, and which of them are meant; None: all, and now.

    Days are counted from today at the place, where it may still be yesterday: whoever means certain
    days asks for one more.
    """

    count: int
    is_wanted: Callable[[date], bool] | None = None

    @property
    def asked(self) -> int:
        """What the tool is given."""
        return self.count if self.is_wanted is None else min(self.count + 1, MOST_DAYS)


def _takes(request: Request) -> bool:
    return _ASKED.search(request.text) is not None


def _begin(request: Request) -> list[Script] | str:
    tool = request.conversation.tool("get_weather")
    if tool is None:
        return no_tool(request, "the weather", "для погоды")
    days = _days(request)
    if days.count > MOST_DAYS:
        return request.say(
            "I can look no further than a week ahead.", "Дальше чем на неделю вперёд я не вижу."
        )
    return [_ask(request, tool, days, place) for place in _places(request.text)]


def _places(text: str) -> list[str]:
    """The places as they are named, with a country or region behind; "" where none is."""
    names = places(text) or [named_place(text)]
    return [_with_country(text, name) if name else "" for name in names]


def _with_country(text: str, name: str) -> str:
    behind = re.search(re.escape(name) + _COUNTRY, text)
    return behind[0] if behind else name


def _ask(request: Request, tool: Tool, days: _Days, place: str) -> Script:
    reason = ""
    for form in (place, *other_forms(place)):
        given = {"place": form, "days": days.asked if days.asked > 1 else None}
        arguments = {name: value for name, value in given.items() if value and tool.takes(name)}
        result = yield ToolCall(tool.name, arguments)
        failed = failure(result)
        if failed is None:
            return told(request, result, days.is_wanted)
        reason = reason or failed
        if _UNKNOWN not in failed:
            break
    if not place and "No place" in reason:
        return request.say(
            "Where? For example: “What is the weather in Paris?”",
            "Где? Например: «Какая погода в Париже?»",
        )
    if _UNKNOWN in reason:
        return request.say(
            f"The weather service knows no place called “{place}”.",
            f"Служба погоды не знает места «{place}».",
        )
    return tool_failed(request, reason)


def _days(request: Request) -> _Days:
    text, today = request.text, request.conversation.now.date()
    if count := _COUNT.search(text):
        return _Days(max(1, int(count[1])))
    if _WEEKEND.search(text):
        return _Days(MOST_DAYS - today.weekday(), lambda day: day.weekday() >= _SATURDAY)
    if _WEEK.search(text):
        return _Days(MOST_DAYS)
    named = find_day(text, today)
    if named is None or not named.is_said or named.date <= today:
        return _Days(1)
    return _Days((named.date - today).days + 1, lambda day: day == named.date)


WEATHER = Skill(_takes, _begin)
