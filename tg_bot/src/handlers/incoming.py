"""What a user did, as handlers see it, and the queue messages that they build from it."""

import re
from dataclasses import dataclass

from smart_kit.contracts.queue import (
    Notice,
    NoticeName,
    Sender,
    UserCommand,
    UserCommandName,
    UserMessage,
    UserPress,
    reply_id,
)
from smart_kit.contracts.users import UserSnapshot

from ..client.update import Message

HandlerResult = UserMessage | UserCommand | UserPress | Notice
"""The queue message made from an update: a Notice goes to the user, the rest to the assistant."""

_COMMAND_PATTERN = re.compile(
    r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL
)


@dataclass(frozen=True)
class CommandCall:
    """A command as the user wrote it."""

    name: str
    bot: str | None
    """The bot's name in `/help@some_bot`."""
    argument: str


def parse_command(text: str) -> CommandCall | None:
    """Parse a command; None if the text is anything else, for example a path."""
    found = _COMMAND_PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    name, bot, argument = found.groups()
    return CommandCall(name.lower(), bot, (argument or "").strip())


@dataclass(frozen=True)
class IncomingUpdate:
    """An action of a user."""

    id: str
    """Id of the queue message made from it, and correlation id."""
    conversation: str
    chat_id: int
    sender: Sender

    def build_notice(self, name: NoticeName, **parameters: str) -> Notice:
        """Build a notice to the user. Its id follows from the update, so a repeat is dropped."""
        return Notice(
            id=reply_id(self.id),
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            language_code=self.sender.language_code,
            notice=name,
            parameters=parameters,
        )

    def build_reply(self, text: str) -> Notice:
        """Build a notice with a text of the command's own: English, translated when it is sent."""
        return self.build_notice("command_reply", text=text)


@dataclass(frozen=True)
class IncomingMessage(IncomingUpdate):
    """A message of a user."""

    user: UserSnapshot | None
    """None if rest_service does not know the sender yet."""
    message: Message
    command: CommandCall | None

    @property
    def argument(self) -> str:
        """The text after the command; empty without a command."""
        return self.command.argument if self.command is not None else ""

    def build_command(self, name: UserCommandName) -> UserCommand:
        """Build a command that the assistant runs, in its place among the user's messages."""
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
    """A press of an inline button."""

    data: str
    """`callback_data`. Untrusted: a client can send any value."""
