"""What a handler is given: who wrote what, and the ids that everything made from it carries."""

from dataclasses import dataclass
from typing import Literal

from smart_kit.contracts.queue import (
    Notice,
    NoticeName,
    Sender,
    UserCommand,
    UserMessage,
    reply_id,
)
from smart_kit.contracts.users import UserSnapshot

from ..client.update import Message
from .command import CommandCall

Answer = UserMessage | UserCommand | Notice
"""What becomes of an update: a word to the secretary, or one to the person."""


@dataclass(frozen=True)
class Incoming:
    """A message by a person."""

    id: str
    """Of the queue message; the correlation id too."""
    conversation: str
    message: Message
    sender: Sender
    person: UserSnapshot | None
    """None: not known yet."""
    command: CommandCall | None

    @property
    def chat_id(self) -> int:
        """Where it was written."""
        return self.message.chat.id

    def command_in_order(self, name: Literal["new", "undo"]) -> UserCommand:
        """A command that the secretary carries out, in its place among the messages."""
        return UserCommand(
            id=self.id,
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            sender=self.sender,
            name=name,
        )

    def notice(self, name: NoticeName, **parameters: str) -> Notice:
        """A word to the person; the same update makes the same id."""
        return Notice(
            id=reply_id(self.id),
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            language_code=self.sender.language_code,
            notice=name,
            parameters=parameters,
        )
