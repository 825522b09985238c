"""Reads queue:to_telegram, sends each message, and decides what a failed attempt means."""

import asyncio
from datetime import timedelta
from typing import Literal

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts import keys
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import TO_TELEGRAM_ADAPTER, Notification, ToTelegram
from smart_kit.contracts.threads import CronJobRunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import DEFAULT_TIMINGS, Delivery, Mailbox, Outcome, Worker, WorkerTimings
from smart_kit.redis import Redis

from ..access import AccessControl
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
from .message_sender import MessageSender, OutgoingMessage, SendJournal
from .progress_listener import ProgressListener

MAX_CONCURRENT_CHATS = 1024
"""Chats that are sent to at once. Most of them wait for Telegram or its rate limits and need only
memory; with fewer, chats that wait would hold up those that need not."""

MAX_MESSAGE_AGE = timedelta(days=1)
"""How long a message is retried while Telegram is unavailable or asks for pauses."""

MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 30.0

log = structlog.stdlib.get_logger()


class ResponseHandler:
    """The consumer of queue:to_telegram, for one bot."""

    def __init__(
        self,
        bot_id: int,
        mailbox: Mailbox,
        composer: Composer,
        access: AccessControl,
        message_sender: MessageSender,
        progress_listener: ProgressListener,
    ) -> None:
        self._bot_id = bot_id
        self._mailbox = mailbox
        self._composer = composer
        self._access = access
        self._message_sender = message_sender
        self._progress_listener = progress_listener

    async def handle_assistant_responses(
        self, stop: asyncio.Event, blocking: Redis, timings: WorkerTimings = DEFAULT_TIMINGS
    ) -> None:
        """Send what arrives in queue:to_telegram until `stop`, in the order of each chat."""
        worker = Worker(
            self._mailbox,
            blocking,
            self.handle,
            self.on_dead_letter,
            slots=MAX_CONCURRENT_CHATS,
            timings=timings,
        )
        await worker.run(stop)

    async def handle(self, delivery: Delivery) -> Outcome:
        """Send one message. Raises RetryMessage, RejectMessage, LeaseLost."""
        message = _parse_message(delivery)
        logs.reset_context(correlation_id=message.correlation_id, message_id=message.id)
        self._ensure_own_bot(message)
        recipient, steps = await asyncio.gather(  # in one round trip
            self._access.get_recipient(message.chat_id), self._mailbox.load_journal(message.id)
        )
        if recipient.block_reason is not None:
            log.info("message not sent", chat_id=message.chat_id, reason=recipient.block_reason)
            is_sent = False
        else:
            user = recipient.user
            outgoing = OutgoingMessage(
                SendJournal(self._mailbox, delivery, message.id, steps),
                message.chat_id,
                self._composer.compose(message, user),
                is_rich_wanted=user is None or user.rich_messages,
                is_silent=message.priority == "low",
            )
            await self._progress_listener.finish_turn(message.id)
            is_sent = await self._send(message, outgoing)
        return Outcome(
            archive_record=_build_run_record(message, is_sent=is_sent),
            journal_message_id=message.id,
        )

    async def on_dead_letter(self, delivery: Delivery) -> Outcome:
        """Record the failure of a scheduled run. The user cannot be notified of it."""
        try:
            return Outcome(
                archive_record=_build_run_record(_parse_message(delivery), is_sent=False)
            )
        except RejectMessage:
            return Outcome()

    def _ensure_own_bot(self, message: ToTelegram) -> None:
        """Reject a message that was queued for another bot, before the token was changed."""
        own = keys.conversation_for_chat(self._bot_id, message.chat_id)
        if message.conversation != own:
            raise RejectMessage(
                f"It belongs to another bot: its conversation is {message.conversation}, not {own}"
            )

    async def _send(self, message: ToTelegram, outgoing: OutgoingMessage) -> bool:
        """Return whether the message was sent; False if the user has blocked the bot."""
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
            raise _build_retry(message, error.message, error.seconds) from error
        except (TelegramUnavailable, TelegramUnauthorized) as error:
            SENDS.labels("unavailable").inc()
            raise _build_retry(message, error.message) from error
        except TelegramRejected as error:
            SENDS.labels("rejected").inc()
            raise RejectMessage(f"Telegram refuses it: {error.message}") from error
        DELIVERY_SECONDS.observe((utc_now() - message.created_at).total_seconds())
        return True


def _parse_message(delivery: Delivery) -> ToTelegram:
    try:
        return TO_TELEGRAM_ADAPTER.validate_json(delivery.payload)
    except ValidationError as error:
        raise RejectMessage(f"It cannot be read: {error.error_count()} problems.") from error


def _build_retry(message: ToTelegram, reason: str, seconds: float | None = None) -> RetryMessage:
    """Return a retry after `seconds`, by default a delay that grows with the message's age.

    Raises RejectMessage if the message is too old to be retried.
    """
    age = utc_now() - message.created_at
    if age > MAX_MESSAGE_AGE:
        raise RejectMessage(f"Telegram has not taken it for a day: {reason}")
    if seconds is None:
        seconds = min(max(MIN_RETRY_SECONDS, age.total_seconds() / 2), MAX_RETRY_SECONDS)
    return RetryMessage(seconds, reason)


def _build_run_record(message: ToTelegram, *, is_sent: bool) -> str:
    """Return the archive record of a scheduled run; empty for other messages.

    A report is not the end of its run, which was skipped or is executed by the assistant.
    """
    if not isinstance(message, Notification) or message.is_report:
        return ""
    state: Literal["done", "failed"] = "done" if is_sent else "failed"
    return CronJobRunRecord(
        run_id=message.run_id, state=state, ended_at=utc_now()
    ).model_dump_json()
