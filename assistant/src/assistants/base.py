"""The interface of all assistants.

Its method names come from OpenAI's former Assistants API. Here a thread is a record of
rest_service, each request carries the whole conversation, and an assistant never changes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.threads import derive_first_thread_id
from smart_kit.contracts.users import UserSnapshot

from ..core.turn import Turn
from ..messages.context_window import ContextWindow
from ..messages.conversation import Conversation, add_timestamp
from ..messages.item import ChatItem
from ..tools.base import BaseTool


class BaseAssistant(ABC):
    """Answers conversations. All turns of a configuration share it, so it keeps no state of any."""

    def __init__(self, record: AssistantSnapshot, window: ContextWindow) -> None:
        self.id: UUID = record.id
        self.name = record.name
        self.window = window
        """How much of a history its model sees."""

    @abstractmethod
    def update_assistant(
        self,
        tools: Sequence[BaseTool[Any]] | None = None,
        instructions: str | None = None,
        model: str | None = None,
        name: str | None = None,
    ) -> Self:
        """Return a copy of this assistant with the given values. A new model comes first in the
        chain; the models of this assistant become its fallbacks."""

    def get_or_create_thread(self, user: UserSnapshot) -> UUID:
        """Return the user's current thread with this assistant: the newest, or the first."""
        return user.threads.get(self.id) or derive_first_thread_id(user.id, self.id)

    def add_user_message(self, turn: Turn, conversation: Conversation, text: str) -> None:
        """Append a user message, with the time at which the turn was requested."""
        content = add_timestamp(text, turn.requested_at)
        conversation.items.append(ChatItem.from_message({"role": "user", "content": content}))

    @abstractmethod
    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """Return the answer to the conversation's newest message, and append all new messages.

        Raises UpstreamError if no model answers, and LeaseLost if another worker has taken
        over the message.
        """

    @abstractmethod
    async def run_with_assistant(self, turn: Turn, conversation: Conversation) -> str:
        """Call models and run tools until there is an answer. Raises as `process_message`."""
