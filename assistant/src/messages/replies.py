"""What goes back to a person: letters for queue:to_telegram."""

from collections.abc import Mapping, Sequence

from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.queue import (
    Choice,
    Chosen,
    Notice,
    NoticeName,
    Option,
    Reply,
    ScheduledPrompt,
    ToSecretary,
    ToTelegramMessage,
    reply_id,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.mailbox import Letter


def reply(
    message: ToSecretary, user: UserSnapshot, text: str, receipts: tuple[EffectRead, ...]
) -> Letter:
    """A model's answer."""
    return _letter(
        Reply(
            id=reply_id(message.id),
            conversation=message.conversation,
            chat_id=message.chat_id,
            correlation_id=message.correlation_id,
            language_code=_language(message) or user.language_code,
            text=text,
            receipts=receipts,
        )
    )


def choice(
    message: ToSecretary, user: UserSnapshot, chosen: Chosen, options: Sequence[Option]
) -> Letter:
    """What the person can choose from."""
    return _letter(
        Choice(
            id=reply_id(message.id),
            conversation=message.conversation,
            chat_id=message.chat_id,
            correlation_id=message.correlation_id,
            language_code=_language(message) or user.language_code,
            chosen=chosen,
            options=tuple(options),
        )
    )


def notice(
    message: ToSecretary,
    user: UserSnapshot,
    name: NoticeName,
    receipts: tuple[EffectRead, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> Letter:
    """A fact that tg_bot has the words for, in place of an answer."""
    language = _language(message) or user.language_code
    letter_id = reply_id(message.id)
    return _letter(_notice(message, letter_id, name, language, receipts, parameters))


def beside(
    message: ToSecretary, user: UserSnapshot, name: NoticeName, parameters: Mapping[str, str]
) -> Letter:
    """A fact that comes with the answer; the same however often the message is tried."""
    language = _language(message) or user.language_code
    return _letter(_notice(message, f"{name}:{message.id}", name, language, (), parameters))


def apology(message: ToSecretary, token: int, receipts: tuple[EffectRead, ...]) -> Letter:
    """For a dead letter, by the `token` of its delivery.

    Not under the answer's id: a replayed letter still gets its answer. Each of its lives has an
    apology of its own, which tells what was done by then.
    """
    letter_id = f"apology:{message.id}:{token}"
    return _letter(_notice(message, letter_id, "turn_failed", _language(message), receipts))


def _language(message: ToSecretary) -> str | None:
    """As Telegram said with the message."""
    return None if isinstance(message, ScheduledPrompt) else message.sender.language_code


def _notice(
    message: ToSecretary,
    letter_id: str,
    name: NoticeName,
    language_code: str | None,
    receipts: tuple[EffectRead, ...],
    parameters: Mapping[str, str] | None = None,
) -> Notice:
    return Notice(
        id=letter_id,
        conversation=message.conversation,
        chat_id=message.chat_id,
        correlation_id=message.correlation_id,
        language_code=language_code,
        notice=name,
        parameters=dict(parameters or {}),
        receipts=receipts,
    )


def _letter(message: ToTelegramMessage) -> Letter:
    return Letter(message.id, message.conversation, message.model_dump_json())
