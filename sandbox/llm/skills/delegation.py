"""Tools without a skill: sub-assistants and tools that an administrator added."""

import re
from typing import Any

from sandbox.llm.language import extract_stems
from sandbox.llm.prompt_context import ToolCall, ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript, tool_failure_error
from sandbox.llm.suggestions import BUILT_IN_TOOLS
from sandbox.llm.tool_arguments import build_arguments
from sandbox.llm.tool_result_parsing import find_error, format_result

_DELEGATION_TRIGGER = re.compile(
    r"^\W*(?:please\s+|пожалуйста,?\s+)?(?:can you\s+|could you\s+)?"
    r"(?:ask|tell|use|call|спроси\w*|попроси\w*|передай\w*|скажи\w*|вызови\w*|используй\w*)\s+"
    r"(?:the\s+|my\s+|our\s+|у\s+|моего\s+|мою\s+)?(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_ASK_VERB = re.compile(r"\b(?:ask|спроси\w*|попроси\w*)\b", re.IGNORECASE)
_SELF_REFERENCE = re.compile(r"^(?:me|мне|us|нам)\b", re.IGNORECASE)
_LEADING_WORDS = re.compile(
    r"^[\s,:—-]*(?:(?:to|about|for|that|о|об|про|чтобы|,)\s+)?[\s,:—-]*", re.IGNORECASE
)
_TITLE_WEIGHT = 3


def _get_delegation_tools(request: SkillRequest) -> list[ToolDefinition]:
    return [tool for tool in request.context.tools if tool.name not in BUILT_IN_TOOLS]


def _matches_explicit(request: SkillRequest) -> bool:
    match = _DELEGATION_TRIGGER.match(request.text)
    if match is None or _SELF_REFERENCE.match(match["rest"]):
        return False
    return bool(_ASK_VERB.search(request.text)) or _find_addressed_tool(request) is not None


def _find_addressed_tool(request: SkillRequest) -> ToolDefinition | None:
    """Return the tool that “ask …” names, by its name or by words of its description."""
    match = _DELEGATION_TRIGGER.match(request.text)
    beginning = " ".join(match["rest"].split()[:4]) if match else ""
    return _find_tool(request, beginning)


def _find_tool(request: SkillRequest, text: str) -> ToolDefinition | None:
    """Return the tool whose name and description share most words with a text."""
    scores = [(_score_tool(tool, text), tool) for tool in _get_delegation_tools(request)]
    best = max(scores, key=lambda one: one[0], default=(0, None))
    return best[1] if best[0] else None


def _score_tool(tool: ToolDefinition, text: str) -> int:
    if tool.name.lower() in text.lower() or tool.title.lower() in text.lower():
        return 10 * _TITLE_WEIGHT
    words = extract_stems(text)
    return _TITLE_WEIGHT * len(words & extract_stems(tool.title)) + len(
        words & extract_stems(tool.description)
    )


def _start_explicit(request: SkillRequest) -> SkillScript | str:
    tool = _find_addressed_tool(request)
    if tool is None:
        return _unknown_assistant_text(request)
    return _delegate(request, tool, _extract_message(request, tool))


def _unknown_assistant_text(request: SkillRequest) -> str:
    others = ", ".join(
        tool.title for tool in _get_delegation_tools(request) if tool.has_parameter("message")
    )
    sorry = request.localize(
        "There is no assistant of that name here.", "Здесь нет ассистента с таким именем."
    )
    known = request.localize(f" I can ask: {others}.", f" Я могу спросить: {others}.")
    return sorry + (known if others else "")


def _start_matching(request: SkillRequest) -> SkillScript | str:
    tool = _find_tool(request, request.text)
    assert tool is not None, "the skill matches only requests that fit a tool"
    return _delegate(request, tool, request.text)


def _extract_message(request: SkillRequest, tool: ToolDefinition) -> str:
    """Return the request without “ask the … to”."""
    match = _DELEGATION_TRIGGER.match(request.text)
    rest = match["rest"] if match else request.text
    named = re.match(re.escape(tool.title), rest, re.IGNORECASE)
    named = named or re.match(re.escape(tool.name), rest, re.IGNORECASE)
    if named:
        rest = rest[named.end() :]
    else:
        known = extract_stems(tool.title) | extract_stems(tool.description)
        words = rest.split()
        while words and extract_stems(words[0]) & known:
            words.pop(0)
        rest = " ".join(words)
    return _LEADING_WORDS.sub("", rest, count=1).strip() or request.text


def _delegate(request: SkillRequest, tool: ToolDefinition, message: str) -> SkillScript | str:
    arguments = build_arguments(tool, message)
    if arguments is None:
        return request.localize(
            f"The tool “{tool.title}” would fit, but I do not know the values of "
            f"{', '.join(tool.required)}.",
            f"Подошёл бы инструмент «{tool.title}», но я не знаю значений "
            f"{', '.join(tool.required)}.",
        )
    return _call_tool(request, tool, arguments)


def _call_tool(
    request: SkillRequest, tool: ToolDefinition, arguments: dict[str, Any]
) -> SkillScript:
    result = yield ToolCall(tool.name, arguments)
    error = find_error(result, may_be_prose=tool.has_parameter("message"))
    if error is not None:
        raise tool_failure_error(request, error)
    return f"**{tool.title[:1].upper()}{tool.title[1:]}**:\n\n{format_result(result)}"


DELEGATION = Skill(_matches_explicit, _start_explicit)
MATCHING_TOOL = Skill(
    lambda request: _find_tool(request, request.text) is not None, _start_matching
)
