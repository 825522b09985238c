"""Wraps an assistant so that a tool can call it."""

from collections.abc import Callable
from uuid import UUID

from smart_kit.contracts.configuration import AssistantSnapshot, ToolSnapshot
from smart_kit.contracts.functions import find_function
from smart_kit.errors import ToolExecutionError

from ..tools.base import ToolContext
from .llm_chat import SubAssistantLLMChat


class ToolAssistant:
    """An assistant as a tool of another one. It runs within the turn of the tool call."""

    def __init__(
        self,
        record: AssistantSnapshot | None,
        create_assistant: Callable[[UUID], SubAssistantLLMChat | None],
    ) -> None:
        """`record` is None where the assistant is not active.

        The assistant is created with its first call, because assistants may call each other.
        """
        self._record = record
        self._create_assistant = create_assistant

    @property
    def may_write(self) -> bool:
        """Whether a call could change something: one of the assistant's tools might."""
        return self._record is not None and any(map(_may_write, self._record.tools))

    async def run(self, context: ToolContext, message: str) -> str:
        """Return the assistant's answer to the message. Raises UpstreamError where no model
        answers, ToolExecutionError where the assistant is not active."""
        assistant = None if self._record is None else self._create_assistant(self._record.id)
        if assistant is None:
            raise ToolExecutionError("The assistant is not active.")
        conversation = assistant.open_conversation(context.turn, message, context.step)
        return await assistant.process_message(context.turn, conversation)


def _may_write(tool: ToolSnapshot) -> bool:
    if tool.tool_type == "rest":
        return tool.effect_class == "writes"
    function = find_function(tool.tool_type, tool.name)
    return (
        tool.tool_type == "sub_assistant" or function is None or function.effect_class == "writes"
    )
