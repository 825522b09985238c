"""What time is it, here and elsewhere?"""

import re
from datetime import datetime

from sandbox.llm.conversation import Tool, ToolCall
from sandbox.llm.dates import long_date
from sandbox.llm.places import other_forms, places
from sandbox.llm.refusals import no_tool, tool_failed
from sandbox.llm.results import failure, moment, shown, zone
from sandbox.llm.skill import Request, Script, Skill

_ASKED = re.compile(
    r"\bwhat(?:'s| is)?\s+(?:the\s+)?(?:current\s+|local\s+)?(?:time|date)\b|\bcurrent time\b"
    r"|\b(?:tell|give) me the time\b|\btime is it\b|^\W*time\s+in\b|\bwhat day is\b|^\W*time\W*$"
    r"|\btoday'?s date\b|^\W*now\W*$"
    r"|\bкоторый\s+(?:сейчас\s+|там\s+)?час\b|\bсколько\s+(?:сейчас\s+|там\s+)?времени\b"
    r"|\bсколько на часах\b|\bтекущее время\b|^\W*(?:точное )?время(?:\s+(?:в|во|на)\b|\W*$)"
    r"|\bкакое\s+(?:сейчас\s+|сегодня\s+)?(?:время|число)\b|\bкакой\s+(?:сейчас\s+|сегодня\s+)?(?:час|день)\b"
    r"|\bкакая\s+(?:сейчас\s+|сегодня\s+)?дата\b|\bвремени в\b",
    re.IGNORECASE,
)


def _takes(request: Request) -> bool:
    return _ASKED.search(request.text) is not None


def _begin(request: Request) -> list[Script] | str:
    conversation = request.conversation
    named = (one for one in conversation.tools if re.search("time|clock", one.name))
    tool = conversation.tool("get_time") or next(named, None)
    if tool:
        return [_ask(request, tool, place) for place in places(request.text) or [""]]
    if conversation.knows_now and not places(request.text):
        return _sentence(request, conversation.now, "", str(conversation.now.tzinfo))
    return no_tool(request, "telling the time", "для времени")


def _ask(request: Request, tool: Tool, place: str) -> Script:
    reason = None
    for form in (place, *other_forms(place)):
        arguments = {"place": form} if form and tool.takes("place") else {}
        result = yield ToolCall(tool.name, arguments)
        failed = failure(result)
        if failed is None:
            return _told(request, result, place)
        reason = reason or failed
    return tool_failed(request, reason or "")


def _told(request: Request, result: str, place: str) -> str:
    found = moment(result)
    if found is None:
        return shown(result)
    return _sentence(request, found, place, zone(result))


def _sentence(request: Request, now: datetime, place: str, zone_name: str) -> str:
    time, date = now.strftime("%H:%M"), long_date(request, now)
    behind = f"{date}, {zone_name}" if zone_name and zone_name != place else date
    if not place:
        return request.say(f"It is **{time}** ({behind}).", f"Сейчас **{time}** ({behind}).")
    where = request.say(f"in {place}", f"в {place}")
    return request.say(
        f"It is **{time}** {where} ({behind}).", f"Сейчас **{time}** {where} ({behind})."
    )


CLOCK = Skill(_takes, _begin)
