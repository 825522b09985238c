"""Takes what people are to be told, in the order of each chat, and decides what a failure means."""

from datetime import timedelta
from typing import Literal

import structlog
from pydantic import ValidationError

from smart_kit import log as logs
from smart_kit.contracts import keys
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import TO_TELEGRAM, Notification, ToTelegram
from smart_kit.contracts.threads import RunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Outcome

from ..client.errors import (
    TelegramFenced,
    TelegramForbidden,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)
from ..metrics import DELIVERY_SECONDS, SENDS
from ..texts.composer import Composer
from .access import Access
from .consignment import Consignment
from .live import Live
from .outbox import Outbox

GIVE_UP_AFTER = timedelta(days=1)
"""How long Telegram may be away, or ask for pauses, before an answer is not worth sending."""

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 30.0

log = structlog.stdlib.get_logger()


class ResponseHandler:
    """The consumer of `queue:to_telegram`, for one bot."""

    def __init__(
        self, bot_id: int, composer: Composer, access: Access, outbox: Outbox, live: Live
    ) -> None:
        self._bot_id = bot_id
        self._composer = composer
        self._access = access
        self._outbox = outbox
        self._live = live

    async def handle(self, delivery: Delivery) -> Outcome:
        """Send one message. Raises RetryMessage, RejectMessage, Superseded."""
        message = _read(delivery)
        logs.bind(correlation_id=message.correlation_id, message_id=message.id)
        self._check_bot(message)
        addressee = await self._access.read_addressee(message.chat_id)
        if addressee.silence is not None:
            log.info("not sent", chat_id=message.chat_id, reason=addressee.silence)
            return Outcome(record=_ended(message, is_sent=False), journal_of=message.id)
        person = addressee.person
        consignment = Consignment(
            delivery,
            message.id,
            message.chat_id,
            self._composer.compose(message, person),
            is_rich=person is None or person.rich_messages,
            is_silent=message.silent,
        )
        await self._live.end(message.id)
        is_sent = await self._send(message, consignment)
        return Outcome(record=_ended(message, is_sent=is_sent), journal_of=message.id)

    async def apologise(self, delivery: Delivery) -> Outcome:
        """Nobody can be told that telling them failed, but the schedule can; the worker logs it."""
        try:
            return Outcome(record=_ended(_read(delivery), is_sent=False))
        except RejectMessage:
            return Outcome()

    def _check_bot(self, message: ToTelegram) -> None:
        """What a bot has left in the queue is not said by the one of a changed token."""
        own = keys.conversation(self._bot_id, message.chat_id)
        if message.conversation != own:
            raise RejectMessage(
                f"It is another bot's: its conversation is {message.conversation}, here it is {own}"
            )

    async def _send(self, message: ToTelegram, consignment: Consignment) -> bool:
        """Whether it was sent; False where the person does not want it."""
        try:
            await self._outbox.send(consignment)
        except TelegramForbidden as error:
            SENDS.labels("forbidden").inc()
            log.info("not sent", chat_id=message.chat_id, reason=error.message)
            await self._access.turned_away(message.chat_id, error.message)
            return False
        except TelegramFenced as error:
            raise RetryMessage(SHORTEST_WAIT, error.message) from error
        except TelegramRetryAfter as error:
            SENDS.labels("retry_after").inc()
            _check_age(message, error.message)
            raise RetryMessage(error.seconds, error.message) from error
        except (TelegramUnavailable, TelegramUnauthorized) as error:
            SENDS.labels("unavailable").inc()
            raise _later(message, error.message) from error
        except TelegramRejected as error:
            SENDS.labels("rejected").inc()
            raise RejectMessage(f"Telegram refuses it: {error.message}") from error
        DELIVERY_SECONDS.observe(_age(message).total_seconds())
        return True


def _read(delivery: Delivery) -> ToTelegram:
    try:
        return TO_TELEGRAM.validate_json(delivery.payload)
    except ValidationError as error:
        raise RejectMessage(f"It cannot be read: {error.error_count()} problems.") from error


def _later(message: ToTelegram, reason: str) -> RetryMessage:
    """The longer it has waited the longer it waits: that needs no counter."""
    _check_age(message, reason)
    seconds = min(max(SHORTEST_WAIT, _age(message).total_seconds() / 2), LONGEST_WAIT)
    return RetryMessage(seconds, reason)


def _check_age(message: ToTelegram, reason: str) -> None:
    """Raises RejectMessage where it has been tried for long enough."""
    if _age(message) > GIVE_UP_AFTER:
        raise RejectMessage(f"Telegram has not taken it for a day: {reason}")


def _age(message: ToTelegram) -> timedelta:
    return utc_now() - message.created_at


def _ended(message: ToTelegram, *, is_sent: bool) -> str:
    """For the archive, where the message is a schedule's."""
    if not isinstance(message, Notification):
        return ""
    state: Literal["done", "failed"] = "done" if is_sent else "failed"
    return RunRecord(run_id=message.run_id, state=state, ended_at=utc_now()).model_dump_json()
