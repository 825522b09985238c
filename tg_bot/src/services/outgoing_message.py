"""A letter on its way to a chat, and one attempt to get it there.

Telegram has no idempotency key: each message that it has taken is a step in the journal, and so is
how often one has gone out without an answer. Such a one is sent again at most twice.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Mailbox, retry_until_redis

from ..client.errors import TelegramOutcomeUnknown
from ..metrics import SEND_SECONDS, SENDS
from ..rendering.rendered_message import RenderedMessage
from .rate_limiter import TelegramRateLimiter

MAX_UNCERTAIN_ATTEMPTS = 3
UNCERTAIN_RETRY_SECONDS = (2.0, 10.0)
"""Before the second and the third time."""

RICH_STEP_PREFIX = "rich:"
"""What the steps of a letter begin with that goes as rich messages."""

_UNCERTAIN_STEP_PREFIX = "uncertain:"

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class OutgoingMessage:
    """A letter, and for whom."""

    delivery: Delivery
    message_id: str
    chat_id: int
    rendered: RenderedMessage
    is_rich: bool
    """Whether its reader wants rich messages."""
    is_silent: bool


@dataclass
class SendAttempt:
    """`steps` is what earlier attempts have left in the journal."""

    mailbox: Mailbox
    rate_limiter: TelegramRateLimiter
    outgoing: OutgoingMessage
    steps: dict[str, str]

    def is_started(self, prefix: str = "") -> bool:
        """Whether an earlier attempt has sent such a step, or perhaps has."""
        return any(
            step.removeprefix(_UNCERTAIN_STEP_PREFIX).startswith(prefix) for step in self.steps
        )

    def is_silent(self, step: str) -> bool:
        """One answer, one sound: that of its beginning, `0`, or `0.0` where that was too long."""
        return self.outgoing.is_silent or not set(step.removeprefix(RICH_STEP_PREFIX)) <= set("0.")

    async def send(self, step: str, send: Callable[[], Awaitable[int]]) -> int:
        """Send one message when it may go; returns its id.

        Raises a TelegramError; RetryMessage or RejectMessage where nobody knows of it.
        """
        outgoing = self.outgoing
        await self.rate_limiter.acquire(outgoing.chat_id)
        started = time.monotonic()
        try:
            sent_id = await send()
        except TelegramOutcomeUnknown as error:
            raise await self._on_uncertain(step, error) from None
        finally:
            SEND_SECONDS.observe(time.monotonic() - started)
        SENDS.labels("sent").inc()
        log.info("message sent", chat_id=outgoing.chat_id, part=step, telegram_message_id=sent_id)
        return sent_id

    async def record_step(self, step: str, value: str) -> None:
        """However long Redis is away: what is not in the journal would be sent again."""
        outgoing = self.outgoing
        await retry_until_redis(
            lambda: self.mailbox.journal(outgoing.delivery, outgoing.message_id, step, value)
        )

    async def _on_uncertain(self, step: str, error: TelegramOutcomeUnknown) -> Exception:
        """What to raise where nobody knows whether the message has arrived."""
        SENDS.labels("uncertain").inc()
        counter = f"{_UNCERTAIN_STEP_PREFIX}{step}"
        times = int(self.steps.get(counter, 0)) + 1
        if times >= MAX_UNCERTAIN_ATTEMPTS:
            return RejectMessage(f"Sent {times} times without an answer: {error.message}")
        await self.record_step(counter, str(times))
        return RetryMessage(UNCERTAIN_RETRY_SECONDS[times - 1], error.message)
