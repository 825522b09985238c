"""What a skill is: it takes a request or leaves it, and plays a script of calls to its answer."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from sandbox.llm.conversation import Conversation, ToolCall

Script = Generator[ToolCall, str, str]
"""Yields a call, is sent its result, … and returns the answer."""


@dataclass(frozen=True)
class Request:
    """One request of a message that may hold several."""

    text: str
    conversation: Conversation
    is_alone: bool = True

    def say(self, en: str, ru: str) -> str:
        """The sentence in the user's language."""
        return self.conversation.say(en, ru)


@dataclass(frozen=True)
class Skill:
    """One thing the model can do."""

    takes: Callable[[Request], bool]
    begin: Callable[[Request], Script | list[Script] | str]
    """Several scripts run side by side, so that their tools are called together."""
    is_own_request: bool = True
    """Whether it may begin in the middle of a message ("… and remind me …")."""
