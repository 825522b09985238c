"""What every assistant is."""

from abc import ABC, abstractmethod
from uuid import UUID

from smart_kit.contracts.configuration import AssistantSnapshot

from ..core.turn import Turn
from ..messages.conversation import Conversation


class BaseAssistant(ABC):
    """Answers conversations. Shared by all turns of a configuration, so it holds none of them."""

    def __init__(self, record: AssistantSnapshot) -> None:
        self.id: UUID = record.id
        self.name = record.name

    @abstractmethod
    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """The answer to the conversation's newest message; the conversation grows by what was said.

        Raises UpstreamUnavailable, UpstreamRejected or EmptyAnswer where no model answers, and
        Superseded where another worker has the message now.
        """
