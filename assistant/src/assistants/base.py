"""What every assistant is.

The names of its methods are those of the Assistants API's time; the meaning fits how it is now: a
thread is ours, what was said comes with each request, and an assistant that runs never changes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.contracts.users import UserSnapshot

from ..core.journal import ToolResult
from ..core.turn import Turn
from ..messages.context_window import ContextWindow
from ..messages.conversation import Conversation, add_timestamp
from ..messages.item import ChatItem
from ..tools.base import BaseTool, ToolContext


class BaseAssistant(ABC):
    """Answers conversations. Shared by all turns of a configuration, so it holds none of them."""

    def __init__(self, record: AssistantSnapshot, window: ContextWindow) -> None:
        self.id: UUID = record.id
        self.name = record.name
        self.window = window
        """How much of a history it is shown."""

    @abstractmethod
    def update_assistant(
        self,
        tools: Sequence[BaseTool[Any]] | None = None,
        instructions: str | None = None,
        model: str | None = None,
        name: str | None = None,
    ) -> Self:
        """Another one of the same type, with what is given in place of this one's.

        Another model is asked before those that this one asks.
        """

    def get_or_create_thread(self, user: UserSnapshot) -> UUID:
        """The person's thread with it: the one they have begun last, or the first."""
        return user.threads.get(self.id) or derive_first_thread_id(user.id, self.id)

    def add_user_message(self, turn: Turn, conversation: Conversation, text: str) -> None:
        """Let the conversation go on with this text, written when the turn was asked for."""
        content = add_timestamp(text, turn.requested_at)
        conversation.items.append(ChatItem.from_message({"role": "user", "content": content}))

    @abstractmethod
    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """The answer to the conversation's newest message; the conversation grows by what was said.

        Raises UpstreamUnavailable, UpstreamRejected, EmptyAnswer or BudgetSpent where no model
        answers, and Superseded where another worker has the message now.
        """

    @abstractmethod
    async def run_with_assistant(self, turn: Turn, conversation: Conversation) -> str:
        """Ask its models and run the tools they call until there is an answer; raises the same."""

    @abstractmethod
    async def _execute_tool_call(
        self, function_name: str, arguments: JsonObject, context: ToolContext
    ) -> ToolResult:
        """Run one of its tools."""
