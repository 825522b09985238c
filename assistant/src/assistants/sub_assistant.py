"""The assistant that other assistants call."""

from ..core.turn import Turn
from ..messages.conversation import Conversation
from .llm_chat import LLMChat


class SubAssistantLLMChat(LLMChat):
    """Sees only the message it is called with; its answer goes to the calling assistant."""

    def open_conversation(self, turn: Turn, text: str, step: str) -> Conversation:
        """Return a new conversation, whose steps are numbered below the tool call's `step`."""
        conversation = Conversation(path=f"{step}.")
        self.add_user_message(turn, conversation, text)
        return conversation
