"""What goes back to a person: letters for queue:to_telegram."""

from collections.abc import Mapping, Sequence

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
    """A model's answer."""
    return _to_envelope(
        Reply(
            id=reply_id(message.id),
            conversation=message.conversation,
            chat_id=message.chat_id,
            correlation_id=message.correlation_id,
            language_code=_get_language(message) or user.language_code,
            text=text,
            receipts=receipts,
        )
    )


def build_choice_prompt(
    message: ToSecretary,
    user: UserSnapshot,
    choice_kind: ChoiceKind,
    options: Sequence[ChoiceOption],
) -> Envelope:
    """What the person can choose from."""
    return _to_envelope(
        Choice(
            id=reply_id(message.id),
            conversation=message.conversation,
            chat_id=message.chat_id,
            correlation_id=message.correlation_id,
            language_code=_get_language(message) or user.language_code,
            choice_kind=choice_kind,
            options=tuple(options),
        )
    )


def build_notice(
    message: ToSecretary,
    user: UserSnapshot,
    name: NoticeName,
    receipts: tuple[EffectRead, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> Envelope:
    """A fact that tg_bot has the words for, in place of an answer."""
    language = _get_language(message) or user.language_code
    notice_id = reply_id(message.id)
    return _to_envelope(
        _build_notice_message(message, notice_id, name, language, receipts, parameters)
    )


def build_side_notice(
    message: ToSecretary, user: UserSnapshot, name: NoticeName, parameters: Mapping[str, str]
) -> Envelope:
    """A fact that comes with the answer; the same however often the message is tried."""
    language = _get_language(message) or user.language_code
    return _to_envelope(
        _build_notice_message(message, f"{name}:{message.id}", name, language, (), parameters)
    )


def build_failure_reply(
    message: ToSecretary, token: int, receipts: tuple[EffectRead, ...]
) -> Envelope:
    """For a dead letter, by the `token` of its delivery.

    Not under the answer's id: a replayed letter still gets its answer. Each of its lives has an
    apology of its own, which tells what was done by then.
    """
    notice_id = f"apology:{message.id}:{token}"
    return _to_envelope(
        _build_notice_message(message, notice_id, "turn_failed", _get_language(message), receipts)
    )


def _get_language(message: ToSecretary) -> str | None:
    """As Telegram said with the message."""
    return None if isinstance(message, ScheduledPrompt) else message.sender.language_code


def _build_notice_message(
    message: ToSecretary,
    notice_id: str,
    name: NoticeName,
    language_code: str | None,
    receipts: tuple[EffectRead, ...],
    parameters: Mapping[str, str] | None = None,
) -> Notice:
    return Notice(
        id=notice_id,
        conversation=message.conversation,
        chat_id=message.chat_id,
        correlation_id=message.correlation_id,
        language_code=language_code,
        notice=name,
        parameters=dict(parameters or {}),
        receipts=receipts,
    )


def _to_envelope(message: BaseTelegramMessage) -> Envelope:
    return Envelope(message.id, message.conversation, message.model_dump_json())
