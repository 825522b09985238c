"""Building blocks of skills: requests, scripts of tool calls, and early exits."""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from sandbox.llm.prompt_parsing import ParsedPrompt, ToolCall, ToolDefinition
from sandbox.llm.tool_result_parsing import find_error

SkillScript = Generator[ToolCall, str, str]
"""Yields a tool call, receives its result, and so on; returns the answer."""

TOOL_PURPOSES = {
    "get_time": ("telling the time", "для времени"),
    "get_weather": ("the weather", "для погоды"),
    "create_reminder": ("reminders", "для напоминаний"),
    "list_reminders": ("listing reminders", "для списка напоминаний"),
    "change_reminder": ("changing reminders", "для изменения напоминаний"),
    "cancel_reminder": ("cancelling reminders", "для отмены напоминаний"),
    "create_task": ("tasks", "для задач"),
    "list_tasks": ("listing tasks", "для списка задач"),
    "change_task": ("changing tasks", "для изменения задач"),
    "change_settings": ("changing settings", "для настроек"),
}
"""The tools that have a skill, and what they are for in English and in Russian."""


class SkillError(Exception):
    """Ends a skill early; the message is the answer to the user."""


@dataclass(frozen=True)
class SkillRequest:
    """One request of a message that may contain several."""

    text: str
    context: ParsedPrompt
    is_only_request: bool = True

    def localize(self, en: str, ru: str) -> str:
        """Return the sentence in the user's language."""
        return self.context.localize(en, ru)

    def require_tool(self, name: str) -> ToolDefinition:
        """Return the tool of this name. Raises SkillError if the assistant lacks it."""
        if tool := self.context.tools.get(name):
            return tool
        en, ru = TOOL_PURPOSES[name]
        raise SkillError(
            self.localize(
                f"I have no tool for {en} here, so I cannot do that. "
                "An administrator can add one to this assistant.",
                f"Здесь у меня нет инструмента {ru}, поэтому сделать это я не могу. "
                "Администратор может добавить его этому ассистенту.",
            )
        )

    def call_tool(self, tool: ToolDefinition, **arguments: object) -> SkillScript:
        """Call a tool without the arguments that are None, and check its result."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return self.check_result((yield ToolCall(tool.name, given)))

    def check_result(self, result: str, *, may_be_prose: bool = False) -> str:
        """Return the result of a tool. Raises SkillError for an error; see find_error."""
        error = find_error(result, may_be_prose=may_be_prose)
        if error is None:
            return result
        raise SkillError(
            self.localize(
                f"That did not work. The tool says: {error}",
                f"Не получилось. Инструмент отвечает: {error}",
            )
        )


@dataclass(frozen=True)
class Skill:
    """One thing that the model can do."""

    matches: Callable[[SkillRequest], bool]
    start: Callable[[SkillRequest], SkillScript | list[SkillScript] | str]
    """Returns the answer, a script, or scripts that run side by side with their tools called
    together. May raise SkillError, as scripts may."""
    can_start_mid_message: bool = True
    """Whether the request may begin in the middle of a message (“… and remind me …”)."""
    takes_rest_of_sentence: bool = False
    """Whether what follows in the sentence belongs to the request: “every morning tell me the
    weather and my tasks”."""


def build_matcher(*patterns: re.Pattern[str]) -> Callable[[SkillRequest], bool]:
    """Return a matcher of requests that contain one of the patterns."""
    return lambda request: any(pattern.search(request.text) for pattern in patterns)
