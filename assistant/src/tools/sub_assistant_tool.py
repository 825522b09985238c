"""A tool behind which another assistant answers."""

from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.contracts.functions import AskAssistant
from smart_kit.errors import InvalidInputError, ToolExecutionError, UpstreamError

from ..core.journal import ToolResult
from .base import BaseTool, ToolContext, ToolServices

MAX_DEPTH = 3
"""The secretary asks one, who asks another, who asks a third: there it ends."""


class SubAssistantTool(BaseTool[AskAssistant]):
    """Passes a request on. The other one sees nothing but that, and works within the same turn."""

    function = "ask_assistant"
    arguments = AskAssistant
    timeout_seconds = None  # its model calls and tools have limits of their own

    def __init__(self, record: ToolSnapshot, services: ToolServices) -> None:
        super().__init__(record, services)
        self.may_write = record.sub_assistant_id is not None and services.assistant_may_write(
            record.sub_assistant_id
        )

    async def _run(self, context: ToolContext, arguments: AskAssistant) -> ToolResult:
        """Raises InvalidInputError too deep down, ToolExecutionError where no model answers."""
        if _get_depth(context.step) > MAX_DEPTH:
            raise InvalidInputError(
                f"No assistant may be asked here: {MAX_DEPTH} levels are the limit."
                " Answer yourself."
            )
        assistant_id = self._record.sub_assistant_id
        if assistant_id is None:
            raise ToolExecutionError(f"Nobody stands behind {self.name}.")
        try:
            answer = await self._services.ask_assistant(assistant_id, context, arguments.message)
        except UpstreamError as error:
            raise ToolExecutionError(f"{self.name} could not answer.") from error
        return ToolResult(content=answer)


def _get_depth(step: str) -> int:
    """How deep the assistant is that this step asks: 1 below the secretary."""
    return (step.count(".") + 1) // 2
