"""Tools without a skill: sub-assistants and tools that an administrator added."""

import re

from sandbox.llm.language import extract_stems
from sandbox.llm.prompt_parsing import ToolCall, ToolDefinition
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
from sandbox.llm.suggestions import BUILT_IN_TOOLS
from sandbox.llm.tool_arguments import build_arguments
from sandbox.llm.tool_result_parsing import format_result

_COMMAND = re.compile(
    r"(?is)^\W*(?:please\s+|пожалуйста,?\s+)?(?:can you\s+|could you\s+)?"
    r"(?:ask|tell|use|call|спроси\w*|попроси\w*|передай\w*|скажи\w*|вызови\w*|используй\w*)\s+"
    r"(?:the\s+|my\s+|our\s+|у\s+|моего\s+|мою\s+)?(?P<rest>.+)$"
)
_ASK_VERB = re.compile(r"(?i)\b(?:ask|спроси\w*|попроси\w*)\b")
_SELF_REFERENCE = re.compile(r"(?i)^(?:me|мне|us|нам)\b")
_LEADING_WORDS = re.compile(
    r"(?i)^[\s,:—-]*(?:(?:to|about|for|that|о|об|про|чтобы|,)\s+)?[\s,:—-]*"
)
_TITLE_WEIGHT = 3


def _get_delegation_tools(request: SkillRequest) -> list[ToolDefinition]:
    return [tool for tool in request.context.tools.values() if tool.name not in BUILT_IN_TOOLS]


def _find_tool(request: SkillRequest, text: str) -> ToolDefinition | None:
    """Return the tool whose name and description share most words with a text."""
    scores = [(_score_tool(tool, text), tool) for tool in _get_delegation_tools(request)]
    score, tool = max(scores, key=lambda scored: scored[0], default=(0, None))
    return tool if score else None


def _score_tool(tool: ToolDefinition, text: str) -> int:
    if tool.name.lower() in text.lower() or tool.title.lower() in text.lower():
        return 10 * _TITLE_WEIGHT
    stems = extract_stems(text)
    title_matches = len(stems & extract_stems(tool.title))
    return _TITLE_WEIGHT * title_matches + len(stems & extract_stems(tool.description))


def _parse_command(request: SkillRequest) -> tuple[str, ToolDefinition | None]:
    """Return what follows “ask the”, if anything, and the tool that its first words name."""
    match = _COMMAND.match(request.text)
    rest = match["rest"] if match else ""
    return rest, _find_tool(request, " ".join(rest.split()[:4]))


def _is_command(request: SkillRequest) -> bool:
    rest, tool = _parse_command(request)
    if not rest or _SELF_REFERENCE.match(rest):
        return False
    return tool is not None or bool(_ASK_VERB.search(request.text))


def _follow_command(request: SkillRequest) -> SkillScript | str:
    rest, tool = _parse_command(request)
    if tool is not None:
        return _delegate(request, tool, _extract_message(rest, tool) or request.text)
    others = [tool for tool in _get_delegation_tools(request) if "message" in tool.properties]
    en, ru = "There is no assistant of that name here.", "Здесь нет ассистента с таким именем."
    if titles := ", ".join(tool.title for tool in others):
        en, ru = f"{en} I can ask: {titles}.", f"{ru} Я могу спросить: {titles}."
    return request.localize(en, ru)


def _extract_message(rest: str, tool: ToolDefinition) -> str:
    """Return a command without the name of the tool: “ask the writer to draft” → “draft”."""
    named = re.match(f"(?i){re.escape(tool.title)}|{re.escape(tool.name)}", rest)
    if named:
        rest = rest[named.end() :]
    else:
        known = extract_stems(tool.title) | extract_stems(tool.description)
        words = rest.split()
        while words and extract_stems(words[0]) & known:
            words.pop(0)
        rest = " ".join(words)
    return _LEADING_WORDS.sub("", rest, count=1).strip()


def _delegate(request: SkillRequest, tool: ToolDefinition, message: str) -> SkillScript:
    arguments = build_arguments(tool, message)
    if arguments is None:
        names = ", ".join(tool.required)
        return request.localize(
            f"The tool “{tool.title}” would fit, but I do not know the values of {names}.",
            f"Подошёл бы инструмент «{tool.title}», но я не знаю значений {names}.",
        )
    result = yield ToolCall(tool.name, arguments)
    request.check_result(result, may_be_prose="message" in tool.properties)
    return f"**{tool.title[:1].upper()}{tool.title[1:]}**:\n\n{format_result(result)}"


def _use_matching_tool(request: SkillRequest) -> SkillScript:
    tool = _find_tool(request, request.text)
    assert tool is not None, "the skill matches only requests that fit a tool"
    return _delegate(request, tool, request.text)


DELEGATION = Skill(_is_command, _follow_command)
MATCHING_TOOL = Skill(
    lambda request: _find_tool(request, request.text) is not None, _use_matching_tool
)
