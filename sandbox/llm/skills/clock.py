"""The current time, here and in other places."""

import re
from datetime import datetime

from sandbox.llm.dates import format_long_date
from sandbox.llm.places import extract_places, guess_nominative_forms
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import (
    Skill,
    SkillRequest,
    SkillScript,
    matches_any,
    missing_tool_error,
    tool_failure_error,
)
from sandbox.llm.tool_result_parsing import find_datetime, find_error, find_time_zone, format_result

_TRIGGER = re.compile(
    r"\bwhat(?:'s| is)?\s+(?:the\s+)?(?:current\s+|local\s+)?(?:time|date)\b|\bcurrent time\b"
    r"|\b(?:tell|give) me the time\b|\btime is it\b|^\W*time\s+in\b|\bwhat day is\b|^\W*time\W*$"
    r"|\btoday'?s date\b|^\W*now\W*$"
    r"|\bкоторый\s+(?:сейчас\s+|там\s+)?час\b|\bсколько\s+(?:сейчас\s+|там\s+)?времени\b"
    r"|\bсколько на часах\b|\bтекущее время\b|^\W*(?:точное )?время(?:\s+(?:в|во|на)\b|\W*$)"
    r"|\bкакое\s+(?:сейчас\s+|сегодня\s+)?(?:время|число)\b|\bкакой\s+(?:сейчас\s+|сегодня\s+)?(?:час|день)\b"
    r"|\bкакая\s+(?:сейчас\s+|сегодня\s+)?дата\b|\bвремени в\b",
    re.IGNORECASE,
)


def _start(request: SkillRequest) -> list[SkillScript] | str:
    context = request.context
    named = (one for one in context.tools if re.search("time|clock", one.name))
    tool = context.find_tool("get_time") or next(named, None)
    if tool:
        return [_call_tool(request, tool, place) for place in extract_places(request.text) or [""]]
    if context.has_user_time and not extract_places(request.text):
        return _describe_time(request, context.now, "", str(context.now.tzinfo))
    raise missing_tool_error(request, "telling the time", "для времени")


def _call_tool(request: SkillRequest, tool: ToolDefinition, place: str) -> SkillScript:
    reason = None
    for form in (place, *guess_nominative_forms(place)):
        arguments = {"place": form} if form and tool.has_parameter("place") else {}
        result = yield ToolCall(tool.name, arguments)
        error = find_error(result)
        if error is None:
            return _describe_result(request, result, place)
        reason = reason or error
    raise tool_failure_error(request, reason or "")


def _describe_result(request: SkillRequest, result: str, place: str) -> str:
    found = find_datetime(result)
    if found is None:
        return format_result(result)
    return _describe_time(request, found, place, find_time_zone(result))


def _describe_time(request: SkillRequest, now: datetime, place: str, zone_name: str) -> str:
    time, date = now.strftime("%H:%M"), format_long_date(request, now)
    behind = f"{date}, {zone_name}" if zone_name and zone_name != place else date
    if not place:
        return request.localize(f"It is **{time}** ({behind}).", f"Сейчас **{time}** ({behind}).")
    where = request.localize(f"in {place}", f"в {place}")
    return request.localize(
        f"It is **{time}** {where} ({behind}).", f"Сейчас **{time}** {where} ({behind})."
    )


CLOCK = Skill(matches_any(_TRIGGER), _start)
