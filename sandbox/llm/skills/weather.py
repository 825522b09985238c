"""The weather, if there is a tool for it."""

import re
from typing import Any

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.places import other_forms, places
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import failure, shown
from sandbox.llm.skill import Request, Script, Skill

_ASKED = re.compile(
    r"\b(?:weather|forecast|umbrella|will it (?:rain|snow)|is it (?:raining|snowing|cold|warm|hot)"
    r"|how (?:cold|warm|hot) is it|погод\w*|прогноз\w*|зонт\w*|будет ли (?:дождь|снег)"
    r"|(?:идёт|идет) ли (?:дождь|снег))\b",
    re.IGNORECASE,
)
_DAYS = (
    (re.compile(r"\b(?:week|неделю|неделе)\b", re.IGNORECASE), 7),
    (re.compile(r"\b(?:day after tomorrow|послезавтра|weekend|выходн\w+)\b", re.IGNORECASE), 3),
    (re.compile(r"\b(?:tomorrow|завтра)\b", re.IGNORECASE), 2),
)
_COUNT = re.compile(r"\b(\d{1,2})\s*(?:days?|дн\w+|день)\b", re.IGNORECASE)


def _takes(request: Request) -> bool:
    return _ASKED.search(request.text) is not None


def _begin(request: Request) -> Script | str:
    tool = request.conversation.tool("get_weather")
    return _ask(request, tool) if tool else no_tool(request, "the weather", "для погоды")


def _ask(request: Request, tool: Tool) -> Script:
    place = next(iter(places(request.text)), "")
    reason = None
    for form in (place, *other_forms(place)):
        result = yield ToolCall(tool.name, _arguments(request.text, tool, form))
        failed = failure(result)
        if failed is None:
            return shown(result)
        reason = reason or failed
    return tool_failed(request, reason or "")


def _arguments(text: str, tool: Tool, place: str) -> dict[str, Any]:
    count = _COUNT.search(text)
    days = int(count[1]) if count else next((n for word, n in _DAYS if word.search(text)), None)
    given = {"place": place or None, "days": days}
    return {name: value for name, value in given.items() if value and tool.takes(name)}


WEATHER = Skill(_takes, _begin)
