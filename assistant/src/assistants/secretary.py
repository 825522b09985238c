"""The assistant that users talk to."""

from collections.abc import Sequence

from ..core.turn import Turn
from ..messages.conversation import Conversation
from ..messages.item import ChatItem
from .llm_chat import LLMChat


class SecretaryLLMChat(LLMChat):
    """Sees the history of the thread; its answer goes to the user."""

    def open_conversation(self, turn: Turn, text: str, history: Sequence[ChatItem]) -> Conversation:
        """Return the history, continued with the user's text."""
        conversation = Conversation(history)
        self.add_user_message(turn, conversation, text)
        return conversation
