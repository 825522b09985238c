"""What a user did, as handlers see it, and the queue messages that they build from it."""

import re
from dataclasses import dataclass

import structlog

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

from ..access import AccessControl
from ..client.rest import RestClient
from ..client.update import Message
from ..texts.choice_prompts import parse_callback_data

REST_TIMEOUT_SECONDS = 3.0
"""How long a handler waits for rest_service: the chat's next messages wait for the handler."""

HandlerResult = UserMessage | UserCommand | UserPress | Notice
"""The queue message made from an update: a Notice goes to the user, the rest to the assistant."""

_COMMAND_PATTERN = re.compile(
    r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL
)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class HandlerServices:
    """The services that handlers use."""

    rest: RestClient
    access: AccessControl


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

    def build_text_notice(self, text: str) -> Notice:
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

    def build_message(self) -> UserMessage | Notice | None:
        """Build the message for the assistant, or a notice if it has no text to read."""
        message = self.message
        if message.text_or_caption:
            return UserMessage(
                id=self.id,
                conversation=self.conversation,
                chat_id=self.chat_id,
                correlation_id=self.id,
                sender=self.sender,
                text=message.text_or_caption,
                telegram_message_id=message.message_id,
                attachments=message.attachments,
            )
        if not message.has_non_text_content:
            log.info("message without content ignored", fields=sorted(message.model_fields_set))
            return None
        notice = self.build_notice("text_only")
        if message.media_group_id is None:
            return notice
        # an album is several messages: with one id for all, the queue drops all notices but one
        album = f"{self.conversation}:album:{message.media_group_id}"
        return notice.model_copy(update={"id": reply_id(album)})


@dataclass(frozen=True)
class ButtonPress(IncomingUpdate):
    """A press of an inline button of /assistant or /model."""

    data: str
    """`callback_data`. Untrusted: a client can send any value."""

    def build_press(self) -> UserPress | None:
        """Build the press for the assistant, which decides whether the choice still exists."""
        choice = parse_callback_data(self.data)
        if choice is None:
            log.warning("unknown callback data ignored", data=ascii(self.data[:64]))
            return None
        choice_kind, row_id = choice
        return UserPress(
            id=self.id,
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            sender=self.sender,
            choice_kind=choice_kind,
            row_id=row_id,
        )
