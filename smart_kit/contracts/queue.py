"""The messages of both queues, and the progress frames of running turns.

Messages contain data; tg_bot alone turns data into texts for users.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from smart_kit.contracts.base import Contract, UtcDatetime, utc_now
from smart_kit.contracts.effects import EffectRead
from smart_kit.settings import TimeZoneName


class QueueMessage(Contract):
    """Fields of every queue message."""

    id: str
    """Unique for all time; the queue drops duplicates."""
    conversation: str
    """Messages of one conversation are processed one after the other."""
    chat_id: int
    correlation_id: str
    """The same in every log line from the cause to the last effect."""
    created_at: UtcDatetime = Field(default_factory=utc_now)


class Sender(Contract):
    """The sender of a Telegram message."""

    telegram_id: int
    first_name: str = ""
    username: str | None = None
    language_code: str | None = None


class Attachment(Contract):
    """A file sent with a message; only tg_bot can download it."""

    kind: Literal["photo", "voice", "audio", "document", "video"]
    file_id: str
    mime: str | None = None
    size: int | None = None
    name: str | None = None


class UserMessage(QueueMessage):
    """A user's message to the assistant."""

    kind: Literal["user_message"] = "user_message"
    sender: Sender
    text: str
    telegram_message_id: int
    attachments: tuple[Attachment, ...] = ()
    forwarded_from: str | None = None
    """Who wrote the forwarded text, on one line, empty if Telegram does not tell; None: it was not
    forwarded."""
    via_bot: str | None = None
    """Username of the inline bot that wrote the text; None: no bot."""


UserCommandName = Literal["new", "undo", "assistant", "model"]
"""The bot commands that the assistant runs."""


class UserCommand(QueueMessage):
    """A bot command that must be processed in order with the messages."""

    kind: Literal["user_command"] = "user_command"
    sender: Sender
    name: UserCommandName
    argument: str = ""
    """What the user wrote after it: the name of the assistant or model to choose."""


ChoiceKind = Literal["assistant", "model", "timezone"]
"""What users choose with buttons."""


class UserPress(QueueMessage):
    """A pressed button of a Choice."""

    kind: Literal["user_press"] = "user_press"
    sender: Sender
    choice_kind: ChoiceKind
    row_id: UUID | None = None
    """Id of the chosen assistant or model; None: the default."""
    timezone: TimeZoneName | None = None
    """The chosen time zone."""


class ScheduledPrompt(QueueMessage):
    """A scheduled prompt at its time, for the secretary."""

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
    """Fields of every message to a user."""

    language_code: str | None = None
    """The language in Telegram's settings, for users who have not chosen one."""
    priority: NotificationPriority = "high"


class Reply(BaseTelegramMessage):
    """The assistant's answer: Markdown of a model, and receipts of its changes."""

    kind: Literal["reply"] = "reply"
    text: str
    receipts: tuple[EffectRead, ...] = ()


class Notification(BaseTelegramMessage):
    """A reminder at its time, or the report of runs that were missed."""

    kind: Literal["notification"] = "notification"
    run_id: UUID
    job_id: UUID
    text: str
    scheduled_for: UtcDatetime
    timezone: str
    is_report: bool = False
    """Whether it only reports that this scheduled prompt was missed; it has no buttons."""
    missed_count: int = 0
    """Earlier times of the job that were missed."""
    first_missed_at: UtcDatetime | None = None
    """The first of them."""


class ChoiceOption(Contract):
    """A button."""

    row_id: UUID | None
    """None: the default."""
    label: str
    is_selected: bool = False


class Choice(BaseTelegramMessage):
    """Options that a user can choose from.

    `callback_data` is `<choice_kind>:<row id>`, or `<choice_kind>:default`. The options of the kind
    `timezone` are chosen by tg_bot, which knows the language of the user.
    """

    kind: Literal["choice"] = "choice"
    choice_kind: ChoiceKind
    options: tuple[ChoiceOption, ...] = ()
    unknown_name: str = ""
    """What the user wrote in place of an option; empty: nothing."""


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
    "command_reply",
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
    "scheduled_budget_exceeded",
    "timezone_chosen",
]


class InlineButton(Contract):
    """A button under a message."""

    label: str
    """In the language of the user."""
    data: str
    """`callback_data`, at most 64 bytes."""


class Notice(BaseTelegramMessage):
    """A notice, whose text tg_bot has in every language."""

    kind: Literal["notice"] = "notice"
    notice: NoticeName
    parameters: dict[str, str] = Field(default_factory=dict)
    receipts: tuple[EffectRead, ...] = ()
    buttons: tuple[InlineButton, ...] = ()
    """Each in a row of its own."""


ToTelegram = Annotated[Reply | Notification | Notice | Choice, Field(discriminator="kind")]
TO_TELEGRAM_ADAPTER: TypeAdapter[ToTelegram] = TypeAdapter(ToTelegram)


class ProgressFrame(Contract):
    """Progress of a running turn. Frames may be lost."""

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
    """Return the id of the answer to a message."""
    return f"reply:{message_id}"


def compute_lateness(scheduled_for: datetime, now: datetime) -> float:
    """Return the delay after `scheduled_for` in seconds, at least 0."""
    return max(0.0, (now - scheduled_for).total_seconds())
