"""The assistant that other assistants ask."""

from ..core.turn import Turn
from ..messages.conversation import Conversation, dated
from .llm_chat import LLMChat


class SubAssistantLLMChat(LLMChat):
    """Knows nothing but what it is asked; its answer goes to whoever asked."""

    def open(self, turn: Turn, text: str, step: str) -> Conversation:
        """A conversation of its own, within the tool call that asks."""
        return Conversation(dated(text, turn.asked_at), path=f"{step}.")
