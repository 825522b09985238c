"""What travels in the two queues, and the frames beside them.

Messages carry facts; only tg_bot turns facts into words.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from smart_kit.contracts.base import Contract, UtcDatetime, utc_now
from smart_kit.contracts.effects import EffectRead


class QueueMessage(Contract):
    """What every message of both queues has."""

    id: str
    """Unique for ever; the queue drops a second message with it."""
    conversation: str
    """Messages of one conversation are handled one after the other."""
    chat_id: int
    correlation_id: str
    """The same in every log line from the cause to the last effect."""
    created_at: UtcDatetime = Field(default_factory=utc_now)


class Sender(Contract):
    """Who wrote to the bot, as Telegram says."""

    telegram_id: int
    first_name: str = ""
    username: str | None = None
    language_code: str | None = None


class Attachment(Contract):
    """A file sent with a message; tg_bot alone can fetch its bytes."""

    kind: Literal["photo", "voice", "audio", "document", "video"]
    file_id: str
    mime: str | None = None
    size: int | None = None
    name: str | None = None


class UserMessage(QueueMessage):
    """Somebody wrote to the assistant."""

    kind: Literal["user_message"] = "user_message"
    sender: Sender
    text: str
    telegram_message_id: int
    attachments: tuple[Attachment, ...] = ()


class UserCommand(QueueMessage):
    """A command that has to keep its place among the messages."""

    kind: Literal["user_command"] = "user_command"
    sender: Sender
    name: Literal["new", "undo", "assistant", "model"]


ChoiceKind = Literal["assistant", "model"]
"""What people choose by buttons."""


class UserPress(QueueMessage):
    """Somebody pressed a button that chooses."""

    kind: Literal["user_press"] = "user_press"
    sender: Sender
    choice_kind: ChoiceKind
    row_id: UUID | None
    """Of the assistant or model; None: the deployment's own choice."""


class ScheduledPrompt(QueueMessage):
    """A cron job asks the secretary to act."""

    kind: Literal["scheduled_prompt"] = "scheduled_prompt"
    run_id: UUID
    job_id: UUID
    telegram_id: int
    text: str
    scheduled_for: UtcDatetime


ToSecretary = Annotated[
    UserMessage | UserCommand | UserPress | ScheduledPrompt, Field(discriminator="kind")
]
TO_SECRETARY_ADAPTER: TypeAdapter[ToSecretary] = TypeAdapter(ToSecretary)


NotificationPriority = Literal["high", "low"]
"""`high`: the message makes a sound; `low`: it arrives silently."""


class BaseTelegramMessage(QueueMessage):
    """What every message to a person has."""

    language_code: str | None = None
    """The person's language as Telegram says, for somebody without a language of their own."""
    priority: NotificationPriority = "high"


class Reply(BaseTelegramMessage):
    """The assistant's answer: a model's Markdown and what its tools changed."""

    kind: Literal["reply"] = "reply"
    text: str
    receipts: tuple[EffectRead, ...] = ()


class Notification(BaseTelegramMessage):
    """A reminder at its time."""

    kind: Literal["notification"] = "notification"
    run_id: UUID
    job_id: UUID
    text: str
    scheduled_for: UtcDatetime
    timezone: str


class ChoiceOption(Contract):
    """A button."""

    row_id: UUID | None
    """None: the deployment's own choice."""
    label: str
    is_selected: bool = False


class Choice(BaseTelegramMessage):
    """What a person can choose from.

    `callback_data` is `<choice_kind>:<row id>`, or `<choice_kind>:default`.
    """

    kind: Literal["choice"] = "choice"
    choice_kind: ChoiceKind
    options: tuple[ChoiceOption, ...]


NoticeName = Literal[
    "welcome",
    "welcome_back",
    "help",
    "not_permitted",
    "private_chats_only",
    "text_only",
    "unknown_command",
    "invite_redeemed",
    "invite_invalid",
    "new_conversation",
    "undone",
    "nothing_to_undo",
    "cannot_be_undone",
    "rich_on",
    "rich_off",
    "turn_failed",
    "model_unavailable",
    "try_again_later",
    "assistant_chosen",
    "model_chosen",
    "default_model_chosen",
    "nothing_to_choose",
    "choice_unavailable",
    "budget_low",
    "budget_exceeded",
]


class Notice(BaseTelegramMessage):
    """A fact that tg_bot has the words for."""

    kind: Literal["notice"] = "notice"
    notice: NoticeName
    parameters: dict[str, str] = Field(default_factory=dict)
    receipts: tuple[EffectRead, ...] = ()


ToTelegram = Annotated[Reply | Notification | Notice | Choice, Field(discriminator="kind")]
TO_TELEGRAM_ADAPTER: TypeAdapter[ToTelegram] = TypeAdapter(ToTelegram)


class LiveFrame(Contract):
    """What a running turn shows while it runs; a frame may be lost."""

    conversation: str
    chat_id: int
    message_id: str
    seq: int
    kind: Literal["begin", "delta", "tool", "end"]
    text: str = ""


class BotIdentity(Contract):
    """The bot that tg_bot serves."""

    id: int
    username: str


def reply_id(message_id: str) -> str:
    """The id of the one answer to a message."""
    return f"reply:{message_id}"


def compute_lateness(scheduled_for: datetime, now: datetime) -> float:
    """How many seconds after its time something comes; 0 where it is early."""
    return max(0.0, (now - scheduled_for).total_seconds())
