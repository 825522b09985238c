"""A letter on its way to a chat, and one attempt to get it there.

Telegram has no idempotency key: each message that it has taken is a step in the journal, and so is
how often one has gone out without an answer. Such a one is sent again at most twice.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Mailbox, until_redis

from ..client.errors import TelegramUncertain
from ..metrics import SEND_SECONDS, SENDS
from ..rendering.rich import Letter
from .pace import Pace

MAX_UNCERTAIN = 3
UNCERTAIN_SECONDS = (2.0, 10.0)
"""Before the second and the third time."""

RICH = "rich:"
"""What the steps of a letter begin with that goes as rich messages."""

_UNCERTAIN = "uncertain:"

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Consignment:
    """A letter, and for whom."""

    delivery: Delivery
    message_id: str
    chat_id: int
    letter: Letter
    is_rich: bool
    """Whether its reader wants rich messages."""
    is_silent: bool


@dataclass
class Attempt:
    """`steps` is what earlier attempts have left in the journal."""

    mailbox: Mailbox
    pace: Pace
    consignment: Consignment
    steps: dict[str, str]

    def begun(self, prefix: str = "") -> bool:
        """Whether an earlier attempt has sent such a step, or perhaps has."""
        return any(step.removeprefix(_UNCERTAIN).startswith(prefix) for step in self.steps)

    def is_silent(self, step: str) -> bool:
        """One answer, one sound: that of its beginning, `0`, or `0.0` where that was too long."""
        return self.consignment.is_silent or not set(step.removeprefix(RICH)) <= set("0.")

    async def send(self, step: str, send: Callable[[], Awaitable[int]]) -> int:
        """Send one message when it may go; returns its id.

        Raises a TelegramError; RetryMessage or RejectMessage where nobody knows of it.
        """
        to = self.consignment
        await self.pace.wait(to.chat_id)
        begun = time.monotonic()
        try:
            sent_id = await send()
        except TelegramUncertain as error:
            raise await self._doubt(step, error) from None
        finally:
            SEND_SECONDS.observe(time.monotonic() - begun)
        SENDS.labels("sent").inc()
        log.info("sent", chat_id=to.chat_id, part=step, telegram_message_id=sent_id)
        return sent_id

    async def keep(self, step: str, value: str) -> None:
        """However long Redis is away: what is not in the journal would be sent again."""
        to = self.consignment
        await until_redis(lambda: self.mailbox.journal(to.delivery, to.message_id, step, value))

    async def _doubt(self, step: str, error: TelegramUncertain) -> Exception:
        """What to raise where nobody knows whether the message has arrived."""
        SENDS.labels("uncertain").inc()
        counter = f"{_UNCERTAIN}{step}"
        times = int(self.steps.get(counter, 0)) + 1
        if times >= MAX_UNCERTAIN:
            return RejectMessage(f"Sent {times} times without an answer: {error.message}")
        await self.keep(counter, str(times))
        return RetryMessage(UNCERTAIN_SECONDS[times - 1], error.message)
