"""Sends one reply in as many messages as it takes, each of them once as far as that can be known.

An interrupted reply continues at its first missing message. A rich message that Telegram refuses is
sent as formatted text, and formatted text that it refuses as plain text: a refused message was not
delivered. A reply that was started in one form, rich or text, continues in it, so that no part
comes twice.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Mailbox, retry_until_redis

from ..client.errors import (
    EntityParseError,
    MessageTooLong,
    MethodNotFound,
    TelegramBadRequest,
    TelegramOutcomeUnknown,
)
from ..client.telegram import TelegramClient
from ..metrics import SEND_SECONDS, SENDS
from ..rendering.formatted_text import FormattedText, split
from ..rendering.rendered_message import MessagePart, RenderedMessage, button_to_json
from .rate_limiter import TelegramRateLimiter

MIN_SPLIT_LENGTH = 256
"""A shorter text that Telegram refuses as too long is not split: its length is not the problem."""

MAX_UNCERTAIN_ATTEMPTS = 3
UNCERTAIN_RETRY_SECONDS = (2.0, 10.0)
"""Seconds before the second and before the third attempt."""

_UNCERTAIN_STEP_PREFIX = "uncertain:"

_RICH_STEP_PREFIX = "rich:"
"""Prefix of the steps of a reply that is sent as rich messages."""

_GIVEN_UP_STEP = f"{_RICH_STEP_PREFIX}given up"
"""Why a reply was given up, until its receipts are sent."""

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class SendJournal:
    """The journal of one reply: which of its messages Telegram accepted or may have accepted.

    Telegram has no idempotency key. Each accepted message is therefore a step in the mailbox's
    journal, and so is the number of requests for a message that got no response. Such a message is
    sent again at most twice.
    """

    mailbox: Mailbox
    delivery: Delivery
    message_id: str
    steps: dict[str, str]
    """What earlier attempts recorded."""

    def is_started(self, prefix: str = "") -> bool:
        """Return whether an earlier attempt sent, or may have sent, a step with this prefix."""
        return any(
            step.removeprefix(_UNCERTAIN_STEP_PREFIX).startswith(prefix) for step in self.steps
        )

    async def record(self, step: str, value: str) -> None:
        """Record a step, waiting for Redis as long as it takes: a lost step would be sent again."""
        await retry_until_redis(
            lambda: self.mailbox.journal(self.delivery, self.message_id, step, value)
        )

    async def record_uncertain_attempt(
        self, step: str, reason: str
    ) -> RetryMessage | RejectMessage:
        """Count a request that got no response; returns the error to raise for it."""
        counter = f"{_UNCERTAIN_STEP_PREFIX}{step}"
        attempts = int(self.steps.get(counter, 0)) + 1
        if attempts >= MAX_UNCERTAIN_ATTEMPTS:
            return RejectMessage(f"Sent {attempts} times without an answer: {reason}")
        await self.record(counter, str(attempts))
        return RetryMessage(UNCERTAIN_RETRY_SECONDS[attempts - 1], reason)


@dataclass(frozen=True)
class OutgoingMessage:
    """A reply, its chat, and what has been sent of it so far."""

    journal: SendJournal
    chat_id: int
    rendered: RenderedMessage
    is_rich_wanted: bool
    """Whether the user wants rich messages."""
    is_silent: bool


class MessageSender:
    """Sends for one bot, within its rate limits."""

    def __init__(self, client: TelegramClient, rate_limiter: TelegramRateLimiter) -> None:
        self.is_rich_supported = True
        """Set to False when the server does not know rich messages."""
        self._client = client
        self._rate_limiter = rate_limiter

    async def send(self, message: OutgoingMessage) -> None:
        """Send what is missing. Raises a TelegramError, RetryMessage, RejectMessage, LeaseLost."""
        if self._is_rich(message):
            await self._send_rich(message)
        else:
            await self._send_texts(message, "", split(message.rendered.text), is_last=True)

    def _is_rich(self, message: OutgoingMessage) -> bool:
        if not message.rendered.rich_parts or message.journal.is_started():
            return message.journal.is_started(_RICH_STEP_PREFIX)
        return message.is_rich_wanted and self.is_rich_supported

    async def _send_rich(self, message: OutgoingMessage) -> None:
        if reason := message.journal.steps.get(_GIVEN_UP_STEP):
            await self._send_receipts(message, reason)
            raise RejectMessage(reason)
        parts = message.rendered.rich_parts
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            try:
                await self._send_part(message, f"{_RICH_STEP_PREFIX}{index}", part, is_last=is_last)
            except (RejectMessage, TelegramBadRequest) as error:
                if not is_last:
                    await self._send_receipts(message, error.message)
                raise

    async def _send_receipts(self, message: OutgoingMessage, reason: str) -> None:
        """Send the receipts of a reply that is given up: the changes were made all the same."""
        *others, last = message.rendered.rich_parts
        if last.blocks:
            return
        await message.journal.record(_GIVEN_UP_STEP, reason)
        await self._send_part(message, f"{_RICH_STEP_PREFIX}{len(others)}", last, is_last=False)
        await message.journal.record(_GIVEN_UP_STEP, "")

    async def _send_part(
        self, message: OutgoingMessage, step: str, part: MessagePart, *, is_last: bool
    ) -> None:
        """Send the blocks; or the text, if it was started or Telegram refuses the blocks."""
        if step in message.journal.steps:
            return
        if part.blocks and not message.journal.is_started(f"{step}."):
            try:
                async with self._rate_limited_request(message, step):
                    sent_id = await self._client.send_rich_message(
                        message.chat_id, part.blocks, is_silent=_is_silent(message, step)
                    )
            except TelegramBadRequest as error:
                SENDS.labels("rich_refused").inc()
                log.warning("rich message rejected, sending text", reason=error.message)
            except MethodNotFound:
                SENDS.labels("rich_unknown").inc()
                log.warning("rich messages unsupported by the server, disabled until restart")
                self.is_rich_supported = False
            else:
                await _record_sent(message, step, sent_id, is_last=is_last)
                return
        await self._send_texts(message, f"{step}.", split(part.text), is_last=is_last)

    async def _send_texts(
        self, message: OutgoingMessage, prefix: str, parts: list[FormattedText], *, is_last: bool
    ) -> None:
        for index, part in enumerate(parts):
            is_last_part = is_last and index == len(parts) - 1
            await self._send_text(message, f"{prefix}{index}", part, is_last=is_last_part)

    async def _send_text(
        self, message: OutgoingMessage, step: str, part: FormattedText, *, is_last: bool
    ) -> None:
        """Send one text: plain if its formatting is refused, in smaller parts if it is too long."""
        if step in message.journal.steps:
            return
        rows = message.rendered.button_rows if is_last else ()
        try:
            async with self._rate_limited_request(message, step):
                sent_id = await self._client.send_message(
                    message.chat_id,
                    part.text,
                    entities=part.entities_to_json(),
                    buttons=[[*map(button_to_json, row)] for row in rows],
                    is_silent=_is_silent(message, step),
                )
        except EntityParseError as error:
            if not part.entities:
                raise
            SENDS.labels("formatting_refused").inc()
            log.warning("formatting rejected, sending plain text", reason=error.message)
            await self._send_text(message, step, FormattedText(part.text), is_last=is_last)
        except MessageTooLong:
            if part.length < MIN_SPLIT_LENGTH:
                raise
            log.warning("message too long, splitting further", length=part.length)
            smaller_parts = split(part, part.length * 2 // 3)
            await self._send_texts(message, f"{step}.", smaller_parts, is_last=is_last)
        else:
            await _record_sent(message, step, sent_id, is_last=is_last)

    @asynccontextmanager
    async def _rate_limited_request(
        self, message: OutgoingMessage, step: str
    ) -> AsyncIterator[None]:
        """Wait for the rate limit, measure a request, and raise what to do without a response."""
        await self._rate_limiter.acquire(message.chat_id)
        started = time.monotonic()
        try:
            yield
        except TelegramOutcomeUnknown as error:
            SENDS.labels("uncertain").inc()
            raise await message.journal.record_uncertain_attempt(step, error.message) from None
        finally:
            SEND_SECONDS.observe(time.monotonic() - started)


def _is_silent(message: OutgoingMessage, step: str) -> bool:
    """A reply sounds once, with its first message: step `0`, or `0.0` if `0` was too long."""
    return message.is_silent or not set(step.removeprefix(_RICH_STEP_PREFIX)) <= set("0.")


async def _record_sent(message: OutgoingMessage, step: str, sent_id: int, *, is_last: bool) -> None:
    """Journal the message, except the last one: finishing the delivery records that."""
    SENDS.labels("sent").inc()
    log.info("message sent", chat_id=message.chat_id, part=step, telegram_message_id=sent_id)
    if not is_last:
        await message.journal.record(step, str(sent_id))
