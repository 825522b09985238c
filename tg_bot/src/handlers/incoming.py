"""What a handler is given: who did what, and the ids that everything made from it carries."""

from dataclasses import dataclass
from typing import Literal

from smart_kit.contracts.queue import (
    Notice,
    NoticeName,
    Sender,
    UserCommand,
    UserMessage,
    UserPress,
    reply_id,
)
from smart_kit.contracts.users import UserSnapshot

from ..client.update import Message
from .command import CommandCall

HandlerResult = UserMessage | UserCommand | UserPress | Notice
"""What becomes of an update: a word to the secretary, or one to the person."""


@dataclass(frozen=True)
class IncomingUpdate:
    """Something that a person did."""

    id: str
    """Of the queue message; the correlation id too."""
    conversation: str
    chat_id: int
    """Where it was done."""
    sender: Sender

    def build_notice(self, name: NoticeName, **parameters: str) -> Notice:
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


@dataclass(frozen=True)
class IncomingMessage(IncomingUpdate):
    """A message by a person."""

    person: UserSnapshot | None
    """None: not known yet."""
    message: Message
    command: CommandCall | None

    def build_command(self, name: Literal["new", "undo", "assistant", "model"]) -> UserCommand:
        """A command that the secretary carries out, in its place among the messages."""
        return UserCommand(
            id=self.id,
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            sender=self.sender,
            name=name,
        )


@dataclass(frozen=True)
class ButtonPress(IncomingUpdate):
    """A press of a button by a person."""

    data: str
    """`callback_data`: a client can forge it."""
