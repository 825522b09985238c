"""Building blocks of skills: requests, scripts of tool calls, and early exits."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from sandbox.llm.prompt_context import PromptContext, ToolCall, ToolDefinition
from sandbox.llm.tool_result_parsing import find_error

SkillScript = Generator[ToolCall, str, str]
"""Yields a tool call, receives its result, and so on; returns the answer."""


class SkillError(Exception):
    """Ends a skill early; the message is the answer to the user."""


@dataclass(frozen=True)
class SkillRequest:
    """One request of a message that may contain several."""

    text: str
    context: PromptContext
    is_only_request: bool = True

    def localize(self, en: str, ru: str) -> str:
        """Return the sentence in the user's language."""
        return self.context.localize(en, ru)


@dataclass(frozen=True)
class Skill:
    """One thing that the model can do."""

    matches: Callable[[SkillRequest], bool]
    start: Callable[[SkillRequest], SkillScript | list[SkillScript] | str]
    """Returns the answer, a script, or scripts that run side by side with their tools called
    together. May raise SkillError, as scripts may."""
    can_start_mid_message: bool = True
    """Whether the request may begin in the middle of a message (“… and remind me …”)."""


def matches_any(*patterns: re.Pattern[str]) -> Callable[[SkillRequest], bool]:
    """Return a matcher of requests that contain one of the patterns."""
    return lambda request: any(pattern.search(request.text) for pattern in patterns)


def require_tool(request: SkillRequest, name: str, use_en: str, use_ru: str) -> ToolDefinition:
    """Return the tool of this name. Raises SkillError; `use_*` says what the tool is for."""
    tool = request.context.find_tool(name)
    if tool is None:
        raise missing_tool_error(request, use_en, use_ru)
    return tool


def missing_tool_error(request: SkillRequest, use_en: str, use_ru: str) -> SkillError:
    """Build the error for a request that needs a tool which the assistant does not have."""
    return SkillError(
        request.localize(
            f"I have no tool for {use_en} here, so I cannot do that. "
            "An administrator can add one to this assistant.",
            f"Здесь у меня нет инструмента {use_ru}, поэтому сделать это я не могу. "
            "Администратор может добавить его этому ассистенту.",
        )
    )


def tool_failure_error(request: SkillRequest, reason: str) -> SkillError:
    """Build the error for a tool call that failed."""
    return SkillError(
        request.localize(
            f"That did not work. The tool says: {reason}",
            f"Не получилось. Инструмент отвечает: {reason}",
        )
    )


def call_tool(
    request: SkillRequest, tool: ToolDefinition, arguments: dict[str, object]
) -> SkillScript:
    """Call a tool and return its result. Raises SkillError where the tool fails."""
    result = yield ToolCall(tool.name, arguments)
    error = find_error(result)
    if error is not None:
        raise tool_failure_error(request, error)
    return result
