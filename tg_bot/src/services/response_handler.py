"""Takes what people are to be told, in the order of each chat, and decides what a failure means."""

from datetime import timedelta
from typing import Literal

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts import keys
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import TO_TELEGRAM_ADAPTER, Notification, ToTelegram
from smart_kit.contracts.threads import RunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Outcome

from ..client.errors import (
    LeaseNotHeld,
    TelegramForbidden,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)
from ..metrics import DELIVERY_SECONDS, SENDS
from ..texts.composer import Composer
from .access import AccessControl
from .message_sender import MessageSender
from .outgoing_message import OutgoingMessage
from .progress_listener import ProgressListener

MAX_MESSAGE_AGE = timedelta(days=1)
"""How long Telegram may be away, or ask for pauses, before an answer is not worth sending."""

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 30.0

log = structlog.stdlib.get_logger()


class ResponseHandler:
    """The consumer of `queue:to_telegram`, for one bot."""

    def __init__(
        self,
        bot_id: int,
        composer: Composer,
        access: AccessControl,
        message_sender: MessageSender,
        progress_listener: ProgressListener,
    ) -> None:
        self._bot_id = bot_id
        self._composer = composer
        self._access = access
        self._message_sender = message_sender
        self._progress_listener = progress_listener

    async def handle(self, delivery: Delivery) -> Outcome:
        """Send one message. Raises RetryMessage, RejectMessage, Superseded."""
        message = _parse_message(delivery)
        logs.reset_context(correlation_id=message.correlation_id, message_id=message.id)
        self._ensure_own_bot(message)
        recipient = await self._access.get_recipient(message.chat_id)
        if recipient.block_reason is not None:
            log.info("message not sent", chat_id=message.chat_id, reason=recipient.block_reason)
            return Outcome(
                archive_record=_build_run_record(message, is_sent=False),
                journal_message_id=message.id,
            )
        person = recipient.person
        outgoing = OutgoingMessage(
            delivery,
            message.id,
            message.chat_id,
            self._composer.compose(message, person),
            is_rich=person is None or person.rich_messages,
            is_silent=message.priority == "low",
        )
        await self._progress_listener.finish_turn(message.id)
        is_sent = await self._send(message, outgoing)
        return Outcome(
            archive_record=_build_run_record(message, is_sent=is_sent),
            journal_message_id=message.id,
        )

    async def on_dead_letter(self, delivery: Delivery) -> Outcome:
        """Nobody can be told that telling them failed, but the schedule can; the worker logs it."""
        try:
            return Outcome(
                archive_record=_build_run_record(_parse_message(delivery), is_sent=False)
            )
        except RejectMessage:
            return Outcome()

    def _ensure_own_bot(self, message: ToTelegram) -> None:
        """What a bot has left in the queue is not said by the one of a changed token."""
        own = keys.conversation_for_chat(self._bot_id, message.chat_id)
        if message.conversation != own:
            raise RejectMessage(
                f"It is another bot's: its conversation is {message.conversation}, here it is {own}"
            )

    async def _send(self, message: ToTelegram, outgoing: OutgoingMessage) -> bool:
        """Whether it was sent; False where the person does not want it."""
        try:
            await self._message_sender.send(outgoing)
        except TelegramForbidden as error:
            SENDS.labels("forbidden").inc()
            log.info("message not sent", chat_id=message.chat_id, reason=error.message)
            await self._access.mark_bot_blocked(message.chat_id, error.message)
            return False
        except LeaseNotHeld as error:
            raise RetryMessage(MIN_RETRY_SECONDS, error.message) from error
        except TelegramRetryAfter as error:
            SENDS.labels("retry_after").inc()
            _ensure_not_expired(message, error.message)
            raise RetryMessage(error.seconds, error.message) from error
        except (TelegramUnavailable, TelegramUnauthorized) as error:
            SENDS.labels("unavailable").inc()
            raise _build_retry(message, error.message) from error
        except TelegramRejected as error:
            SENDS.labels("rejected").inc()
            raise RejectMessage(f"Telegram refuses it: {error.message}") from error
        DELIVERY_SECONDS.observe(_age(message).total_seconds())
        return True


def _parse_message(delivery: Delivery) -> ToTelegram:
    try:
        return TO_TELEGRAM_ADAPTER.validate_json(delivery.payload)
    except ValidationError as error:
        raise RejectMessage(f"It cannot be read: {error.error_count()} problems.") from error


def _build_retry(message: ToTelegram, reason: str) -> RetryMessage:
    """The longer it has waited the longer it waits: that needs no counter."""
    _ensure_not_expired(message, reason)
    seconds = min(max(MIN_RETRY_SECONDS, _age(message).total_seconds() / 2), MAX_RETRY_SECONDS)
    return RetryMessage(seconds, reason)


def _ensure_not_expired(message: ToTelegram, reason: str) -> None:
    """Raises RejectMessage where it has been tried for long enough."""
    if _age(message) > MAX_MESSAGE_AGE:
        raise RejectMessage(f"Telegram has not taken it for a day: {reason}")


def _age(message: ToTelegram) -> timedelta:
    return utc_now() - message.created_at


def _build_run_record(message: ToTelegram, *, is_sent: bool) -> str:
    """For the archive, where the message is a schedule's."""
    if not isinstance(message, Notification):
        return ""
    state: Literal["done", "failed"] = "done" if is_sent else "failed"
    return RunRecord(run_id=message.run_id, state=state, ended_at=utc_now()).model_dump_json()
