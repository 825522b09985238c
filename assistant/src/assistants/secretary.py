"""The assistant that people talk to."""

from collections.abc import Sequence

from assistant.src.assistants.llm_chat import LLMChat
from assistant.src.core.turn import Turn
from assistant.src.messages.conversation import Conversation, dated
from assistant.src.messages.item import Item


class SecretaryLLMChat(LLMChat):
    """Knows what was said before; its answer goes to the person."""

    def open(self, turn: Turn, text: str, history: Sequence[Item]) -> Conversation:
        """The conversation that the person goes on with this text."""
        return Conversation(dated(text, turn.asked_at), history)
