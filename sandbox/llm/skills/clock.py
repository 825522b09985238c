"""The current time, here and in other places."""

import re
from datetime import datetime

from sandbox.llm.language import format_long_date
from sandbox.llm.places import call_tool_with_place, extract_places
from sandbox.llm.prompt_parsing import ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.tool_result_parsing import find_datetime, find_time_zone, format_result

_TRIGGER = re.compile(
    r"(?i)\bwhat(?:'s| is)?\s+(?:the\s+)?(?:current\s+|local\s+)?(?:time|date)\b|\bcurrent time\b"
    r"|\b(?:tell|give) me the time\b|\btime is it\b|^\W*time\s+in\b|\bwhat day is\b|^\W*time\W*$"
    r"|\btoday'?s date\b|^\W*now\W*$"
    r"|\bкоторый\s+(?:сейчас\s+|там\s+)?час\b|\bсколько\s+(?:сейчас\s+|там\s+)?времени\b"
    r"|\bсколько на часах\b|\bтекущее время\b|^\W*(?:точное )?время(?:\s+(?:в|во|на)\b|\W*$)"
    r"|\bкакое\s+(?:сейчас\s+|сегодня\s+)?(?:время|число)\b"
    r"|\bкакой\s+(?:сейчас\s+|сегодня\s+)?(?:час|день)\b"
    r"|\bкакая\s+(?:сейчас\s+|сегодня\s+)?дата\b|\bвремени в\b"
)


def _start(request: SkillRequest) -> list[SkillScript] | str:
    context = request.context
    places = extract_places(request.text)
    clocks = (tool for tool in context.tools.values() if re.search("time|clock", tool.name))
    tool = context.tools.get("get_time") or next(clocks, None)
    if tool is None and context.has_user_time and not places:
        return _describe_time(request, context.now, "", str(context.now.tzinfo))
    tool = tool or request.require_tool("get_time")
    return [_tell_time(request, tool, place) for place in places or [""]]


def _tell_time(request: SkillRequest, tool: ToolDefinition, place: str) -> SkillScript:
    result = request.check_result((yield from call_tool_with_place(tool, place)))
    now = find_datetime(result)
    if now is None:
        return format_result(result)
    return _describe_time(request, now, place, find_time_zone(result))


def _describe_time(request: SkillRequest, now: datetime, place: str, zone_name: str) -> str:
    time, date = f"**{now:%H:%M}**", format_long_date(request.context.language, now)
    if place:
        time += request.localize(f" in {place}", f" в {place}")
    if zone_name and zone_name != place:
        date += f", {zone_name}"
    return request.localize(f"It is {time} ({date}).", f"Сейчас {time} ({date}).")


CLOCK = Skill(build_matcher(_TRIGGER), _start)
