"""The parts of Telegram's objects that the bot reads. All other fields are ignored."""

from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from smart_kit.contracts.queue import Attachment
from smart_kit.contracts.users import TelegramId

from .plain_text import flatten_rich_message

T = TypeVar("T")

CONTENT_FIELDS = (
    "animation",
    "audio",
    "checklist",
    "contact",
    "dice",
    "document",
    "game",
    "location",
    "paid_media",
    "photo",
    "poll",
    "rich_message",
    "sticker",
    "story",
    "venue",
    "video",
    "video_note",
    "voice",
)
"""What a user can send besides text. Other fields are service messages of Telegram."""

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "stopped_message_generation")
"""The kinds of updates that the bot requests."""

MAX_NAME_LENGTH = 64
"""A longer name of the author of a forwarded message is cut off."""

AttachmentKind = Literal["photo", "voice", "audio", "document", "video"]


def _none_if_invalid(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


Lenient = Annotated[T | None, WrapValidator(_none_if_invalid)]
"""An optional field: an invalid value counts as missing."""


class _TelegramObject(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_TelegramObject):
    """A Telegram user or bot."""

    id: TelegramId
    is_bot: bool = False
    first_name: Lenient[str] = None
    username: Lenient[str] = None
    language_code: Lenient[Annotated[str, StringConstraints(max_length=35)]] = None


class Chat(_TelegramObject):
    """A Telegram chat."""

    id: Annotated[int, Field(ge=-(2**52), le=2**52)]
    type: Literal["private", "group", "supergroup", "channel"]


class _File(_TelegramObject):
    file_id: str
    mime_type: Lenient[str] = None
    file_size: Lenient[int] = None
    file_name: Lenient[str] = None


def _pick_largest(value: Any) -> Any:
    """Return the last size of a photo, which is the largest."""
    return value[-1] if isinstance(value, list) and value else value


class Location(_TelegramObject):
    """A point on the map, in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class _Venue(_TelegramObject):
    location: Location


class _NamedChat(_TelegramObject):
    title: Lenient[str] = None
    first_name: Lenient[str] = None


class _ForwardOrigin(_TelegramObject):
    """Who wrote a forwarded message: a user, a hidden user, a chat or a channel."""

    sender_user: Lenient[_NamedChat] = None
    sender_user_name: Lenient[str] = None
    sender_chat: Lenient[_NamedChat] = None
    chat: Lenient[_NamedChat] = None

    @property
    def name(self) -> str:
        """The name on one line; empty if Telegram does not tell it."""
        sources = (self.sender_user, self.sender_chat, self.chat)
        names = (name for one in sources if one for name in (one.title, one.first_name))
        name = next(filter(None, (self.sender_user_name, *names)), "")
        return " ".join(name.split())[:MAX_NAME_LENGTH]


def _unnamed_if_invalid(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return an origin without a name if it cannot be read: the message was forwarded anyway."""
    return None if value is None else _none_if_invalid(value, handler) or _ForwardOrigin()


class Message(_TelegramObject):
    """A message in a chat."""

    model_config = ConfigDict(extra="allow")  # `has_non_text_content` needs the names of all fields

    message_id: int
    from_user: User | None = Field(None, alias="from")
    chat: Chat
    text: str | None = None
    caption: str | None = None
    rich_message: Any = None
    photo: Lenient[Annotated[_File, BeforeValidator(_pick_largest)]] = None
    voice: Lenient[_File] = None
    audio: Lenient[_File] = None
    document: Lenient[_File] = None
    video: Lenient[_File] = None
    location: Lenient[Location] = None
    venue: Lenient[_Venue] = None
    forward_origin: Annotated[_ForwardOrigin | None, WrapValidator(_unnamed_if_invalid)] = None
    media_group_id: Lenient[str] = None
    via_bot: Lenient[User] = None

    @property
    def forwarded_from(self) -> str | None:
        """Who wrote the forwarded message, empty if unknown; None: it was not forwarded."""
        return None if self.forward_origin is None else self.forward_origin.name

    @property
    def text_or_caption(self) -> str:
        """The text, the caption, or a rich message as text."""
        return (self.text or self.caption or flatten_rich_message(self.rich_message)).strip()

    @property
    def own_location(self) -> Location | None:
        """The location that the user sent, also as a venue; None for a forwarded one."""
        if self.forward_origin is not None:
            return None
        return self.location or (self.venue.location if self.venue is not None else None)

    @property
    def has_non_text_content(self) -> bool:
        """Whether the message has content that is no text."""
        return bool(self.model_fields_set & set(CONTENT_FIELDS))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The attached files. Telegram sends a GIF as a document too."""
        kinds: tuple[AttachmentKind, ...] = get_args(AttachmentKind)
        files = ((kind, getattr(self, kind)) for kind in kinds)
        return tuple(
            Attachment(
                kind=kind,
                file_id=file.file_id,
                mime=file.mime_type,
                size=file.file_size,
                name=file.file_name,
            )
            for kind, file in files
            if file is not None
        )


class _ChatReference(_TelegramObject):
    """An object of which only the chat is read."""

    chat: Chat


class _Button(_TelegramObject):
    text: str
    callback_data: str


class _InlineKeyboard(_TelegramObject):
    inline_keyboard: list[list[_Button]]


class PressedMessage(_ChatReference):
    """The message with the pressed button. Telegram sends no text and no buttons of an old one."""

    message_id: Lenient[int] = None
    text: Lenient[str] = None
    reply_markup: Lenient[_InlineKeyboard] = None

    @property
    def button_rows(self) -> list[list[_Button]]:
        """The rows of buttons; empty if one of them is none that the bot sends."""
        return self.reply_markup.inline_keyboard if self.reply_markup is not None else []


class CallbackQuery(_TelegramObject):
    """A press of an inline button."""

    id: str
    from_user: User = Field(alias="from")
    message: Lenient[PressedMessage] = None
    data: Lenient[str] = None

    @property
    def chat(self) -> Chat | None:
        """The button's chat; None for a message sent in inline mode."""
        return self.message.chat if self.message is not None else None


class ChatMember(_TelegramObject):
    """Membership of a user in a chat."""

    status: str


class ChatMemberUpdated(_TelegramObject):
    """A change of the bot's membership: added, removed, blocked or unblocked."""

    chat: Chat
    new_chat_member: ChatMember


class Update(_TelegramObject):
    """An update; all its kinds are None if it is one that the bot did not request."""

    update_id: Annotated[int, Field(strict=True, ge=0)]
    message: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: ChatMemberUpdated | None = None
    stopped_message_generation: _ChatReference | None = None  # a press of Stop under a draft
    raw: Any = Field(None, repr=False)
    """The update as Telegram sent it."""

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Parse a raw update. Raises ValidationError."""
        return cls.model_validate({**raw, "raw": raw} if isinstance(raw, dict) else raw)

    @property
    def kind(self) -> str:
        """The kind of update, or "other"."""
        return next((kind for kind in ALLOWED_UPDATES if getattr(self, kind) is not None), "other")

    @property
    def sender_telegram_id(self) -> int | None:
        """The sender, or the user in whose chat the bot's membership changed."""
        if self.message is not None and self.message.from_user is not None:
            return self.message.from_user.id
        if self.callback_query is not None:
            return self.callback_query.from_user.id
        return self.my_chat_member.chat.id if self.my_chat_member is not None else None

    @property
    def chat_id(self) -> int | None:
        """The chat of a message or button press."""
        source = self.message or self.callback_query
        return source.chat.id if source is not None and source.chat is not None else None


class WebhookInfo(_TelegramObject):
    """The bot's webhook, as getWebhookInfo describes it."""

    url: str = ""
    """Empty if no webhook is set."""
    pending_update_count: int = 0
    last_error_date: int | None = None
    """Unix time of the last failed delivery."""
    last_error_message: str = ""
