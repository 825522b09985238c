"""What a user did, as handlers see it, and the queue messages that they build from it."""

import re
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import structlog

from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import (
    ChoiceKind,
    InlineButton,
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
from ..texts.composer import Composer
from ..texts.text_context import TextContext

_COMMAND_PATTERN = re.compile(
    r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL
)

ButtonRows = tuple[tuple[InlineButton, ...], ...]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class MessageEdit:
    """Removes buttons of a message of the bot. Best effort: it may be lost."""

    kind: ClassVar = "message_edit"

    chat_id: int
    message_id: int
    text: str | None = None
    """Replaces the text; None keeps it."""
    button_rows: ButtonRows = ()
    """The buttons at the time of the press."""
    used_button: str | None = None
    """`callback_data` of the one button to remove; None removes all."""


HandlerResult = UserMessage | UserCommand | UserPress | Notice | MessageEdit
"""What becomes of an update: a Notice goes to the user, other queue messages to the assistant."""


@dataclass(frozen=True)
class HandlerServices:
    """The services that handlers use."""

    rest: RestClient
    access: AccessControl
    composer: Composer


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
    user: UserSnapshot | None
    """None if rest_service does not know the sender yet."""

    @property
    def idempotency_key(self) -> str:
        """The key of its one write to rest_service."""
        return f"{self.id}/0"

    def build_context(self, services: HandlerServices) -> TextContext:
        """Return what texts for the sender depend on."""
        return services.composer.build_context(self.sender.language_code, self.user)

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

    def build_text_notice(
        self,
        text: str,
        *,
        buttons: tuple[InlineButton, ...] = (),
        receipts: tuple[EffectRead, ...] = (),
    ) -> Notice:
        """Build a notice with a text in the user's language, which may be empty after receipts."""
        notice = self.build_notice("command_reply", text=text)
        return notice.model_copy(update={"buttons": buttons, "receipts": receipts})

    def build_receipt_notice(self, effect: EffectRead | None, otherwise: str) -> Notice:
        """Build a notice with a receipt; with the text `otherwise` if there is none."""
        if effect is None:
            return self.build_text_notice(otherwise)
        return self.build_text_notice("", receipts=(effect,))

    def build_press(
        self, kind: ChoiceKind, *, row_id: UUID | None = None, timezone: str | None = None
    ) -> UserPress:
        """Build a choice for the assistant, which decides whether the option still exists."""
        return UserPress(
            id=self.id,
            conversation=self.conversation,
            chat_id=self.chat_id,
            correlation_id=self.id,
            sender=self.sender,
            choice_kind=kind,
            row_id=row_id,
            timezone=timezone,
        )


@dataclass(frozen=True)
class IncomingMessage(IncomingUpdate):
    """A message of a user."""

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
            argument=self.argument,
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
                forwarded_from=message.forwarded_from,
                via_bot=message.via_bot and (message.via_bot.username or ""),
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
    """A press of an inline button."""

    data: str
    """`callback_data`: `<kind>:<value>`. Untrusted: a client can send any value."""
    message_id: int | None
    """Telegram's id of the message with the button."""
    text: str
    """The text of that message; empty if Telegram did not send it."""
    button_rows: ButtonRows = ()
    """All buttons of that message; empty if Telegram did not send them."""

    @property
    def kind(self) -> str:
        """The kind of button."""
        return self.data.partition(":")[0]

    @property
    def value(self) -> str:
        """What the button stands for, e.g. an id."""
        return self.data.partition(":")[2]

    def build_edits(self, text: str | None = None) -> tuple[MessageEdit, ...]:
        """Return what removes the buttons, so that none is pressed twice; and replaces the text."""
        if self.message_id is None:
            return ()
        return (MessageEdit(self.chat_id, self.message_id, text),)

    def build_own_button_edits(self) -> tuple[MessageEdit, ...]:
        """Return what removes the pressed button and keeps the others."""
        if self.message_id is None or not self.button_rows:
            return ()
        rows, data = self.button_rows, self.data
        edit = MessageEdit(self.chat_id, self.message_id, button_rows=rows, used_button=data)
        return (edit,)
