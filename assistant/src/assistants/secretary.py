"""The assistant that people talk to."""

from collections.abc import Sequence

from ..core.turn import Turn
from ..messages.conversation import Conversation
from ..messages.item import ChatItem
from .llm_chat import LLMChat


class SecretaryLLMChat(LLMChat):
    """Knows what was said before; its answer goes to the person."""

    def open_conversation(self, turn: Turn, text: str, history: Sequence[ChatItem]) -> Conversation:
        """The conversation that the person goes on with this text."""
        conversation = Conversation(history)
        self.add_user_message(turn, conversation, text)
        return conversation
