"""The assistant that other assistants ask."""

from ..core.turn import Turn
from ..messages.conversation import Conversation
from .llm_chat import LLMChat


class SubAssistantLLMChat(LLMChat):
    """Knows nothing but what it is asked; its answer goes to whoever asked."""

    def open_conversation(self, turn: Turn, text: str, step: str) -> Conversation:
        """A conversation of its own, within the tool call that asks."""
        conversation = Conversation(path=f"{step}.")
        self.add_user_message(turn, conversation, text)
        return conversation
