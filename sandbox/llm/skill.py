"""What a skill is: it takes a request or leaves it, and plays a script of calls to its answer."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from sandbox.llm.prompt_context import PromptContext, ToolCall

SkillScript = Generator[ToolCall, str, str]
"""Yields a call, is sent its result, … and returns the answer."""


@dataclass(frozen=True)
class SkillRequest:
    """One request of a message that may hold several."""

    text: str
    context: PromptContext
    is_only_request: bool = True

    def localize(self, en: str, ru: str) -> str:
        """The sentence in the user's language."""
        return self.context.localize(en, ru)


@dataclass(frozen=True)
class Skill:
    """One thing the model can do."""

    matches: Callable[[SkillRequest], bool]
    start: Callable[[SkillRequest], SkillScript | list[SkillScript] | str]
    """Several scripts run side by side, so that their tools are called together."""
    can_start_mid_message: bool = True
    """Whether it may begin in the middle of a message ("… and remind me …")."""
