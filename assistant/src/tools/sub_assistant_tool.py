"""A tool that calls another assistant."""

from smart_kit.contracts.builtin_functions import AskAssistantArguments
from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.errors import InvalidInputError, ToolExecutionError, UpstreamError

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, ToolServices

MAX_DEPTH = 3
"""Levels of sub-assistants below the secretary."""


class SubAssistantTool(BaseTool[AskAssistantArguments]):
    """Passes a message on. The other assistant sees only that, and works within the same turn."""

    function = "ask_assistant"
    arguments = AskAssistantArguments
    timeout_seconds = None  # the model calls and tools of the other assistant have their own

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        super().__init__(record, services)
        assistant_id = record.sub_assistant_id
        self._assistant = None if assistant_id is None else services.get_assistant(assistant_id)
        self.may_write = self._assistant is not None and self._assistant.may_write

    async def _run(self, context: ToolContext, arguments: AskAssistantArguments) -> ToolResult:
        depth = (context.step.count(".") + 1) // 2  # 1: directly below the secretary
        if depth > MAX_DEPTH:
            raise InvalidInputError(
                f"No assistant can be called here: {MAX_DEPTH} levels are the limit."
                " Answer yourself."
            )
        if self._assistant is None:
            raise ToolExecutionError(f"{self.name} names no assistant.")
        try:
            answer = await self._assistant.run(context, arguments.message)
        except UpstreamError as error:
            raise ToolExecutionError(f"{self.name} could not answer.") from error
        return ToolResult(content=answer)
