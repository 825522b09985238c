"""Builds the messages for queue:to_telegram: replies, choices and notices."""

from collections.abc import Mapping, Sequence
from typing import Any

from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import (
    BaseTelegramMessage,
    Choice,
    ChoiceKind,
    ChoiceOption,
    Notice,
    NoticeName,
    Reply,
    ScheduledPrompt,
    ToSecretary,
    reply_id,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.mailbox import Envelope


def build_reply(
    message: ToSecretary, user: UserSnapshot, text: str, receipts: tuple[EffectRead, ...]
) -> Envelope:
    """Return an assistant's answer."""
    fields = _build_common_fields(message, reply_id(message.id), user)
    return _to_envelope(Reply(**fields, text=text, receipts=receipts))


def build_choice_prompt(
    message: ToSecretary,
    user: UserSnapshot,
    choice_kind: ChoiceKind,
    options: Sequence[ChoiceOption] = (),
    unknown_name: str = "",
) -> Envelope:
    """Return the buttons from which the user chooses. `unknown_name` is what the user wrote if it
    names no option."""
    fields = _build_common_fields(message, reply_id(message.id), user)
    choice = Choice(
        **fields, choice_kind=choice_kind, options=tuple(options), unknown_name=unknown_name
    )
    return _to_envelope(choice)


def build_notice(
    message: ToSecretary,
    user: UserSnapshot,
    name: NoticeName,
    receipts: tuple[EffectRead, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> Envelope:
    """Return a notice in place of an answer; tg_bot has its text."""
    fields = _build_common_fields(message, reply_id(message.id), user)
    return _to_envelope(
        Notice(**fields, notice=name, receipts=receipts, parameters=dict(parameters or {}))
    )


def build_side_notice(
    message: ToSecretary, user: UserSnapshot, name: NoticeName, parameters: Mapping[str, str]
) -> Envelope:
    """Return a notice beside the answer. Its id is the same in every attempt at the message."""
    fields = _build_common_fields(message, f"{name}:{message.id}", user)
    return _to_envelope(Notice(**fields, notice=name, parameters=dict(parameters)))


def build_failure_notice(
    message: ToSecretary, token: int, receipts: tuple[EffectRead, ...]
) -> Envelope:
    """Return the notice for a dead letter, whose last delivery had the fencing token `token`.

    Its id is not the answer's, so that a replayed message still gets its answer. Each death of a
    message has a notice of its own, with the receipts of that time.
    """
    fields = _build_common_fields(message, f"apology:{message.id}:{token}")
    return _to_envelope(Notice(**fields, notice="turn_failed", receipts=receipts))


def _build_common_fields(
    message: ToSecretary, message_id: str, user: UserSnapshot | None = None
) -> dict[str, Any]:
    """Return the fields that each message to Telegram has. The language is the one Telegram named
    with the message, else the one it named last."""
    sender = None if isinstance(message, ScheduledPrompt) else message.sender
    language = (sender and sender.language_code) or (user and user.language_code)
    return {
        "id": message_id,
        "conversation": message.conversation,
        "chat_id": message.chat_id,
        "correlation_id": message.correlation_id,
        "language_code": language,
    }


def _to_envelope(message: BaseTelegramMessage) -> Envelope:
    return Envelope(message.id, message.conversation, message.model_dump_json())
