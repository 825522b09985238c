"""The journal of one reply: which of its messages Telegram accepted or may have accepted.

Telegram has no idempotency key. Each accepted message is therefore a step in the mailbox's journal,
and so is the number of requests for a message that got no response. Such a message is sent again
at most twice.
"""

from dataclasses import dataclass
from typing import Self

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Delivery, Mailbox, retry_until_redis

MAX_UNCERTAIN_ATTEMPTS = 3
UNCERTAIN_RETRY_SECONDS = (2.0, 10.0)
"""Seconds before the second and before the third attempt."""

_UNCERTAIN_STEP_PREFIX = "uncertain:"


@dataclass(frozen=True)
class SendJournal:
    """`steps` are the steps that earlier attempts recorded."""

    mailbox: Mailbox
    delivery: Delivery
    message_id: str
    steps: dict[str, str]

    @classmethod
    async def load(cls, mailbox: Mailbox, delivery: Delivery, message_id: str) -> Self:
        """Read the journal of a queue message. Raises RedisError."""
        return cls(mailbox, delivery, message_id, await mailbox.load_journal(message_id))

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

    async def count_uncertain(self, step: str, reason: str) -> RetryMessage | RejectMessage:
        """Count a request that got no response; returns the error to raise for it."""
        counter = f"{_UNCERTAIN_STEP_PREFIX}{step}"
        attempts = int(self.steps.get(counter, 0)) + 1
        if attempts >= MAX_UNCERTAIN_ATTEMPTS:
            return RejectMessage(f"Sent {attempts} times without an answer: {reason}")
        await self.record(counter, str(attempts))
        return RetryMessage(UNCERTAIN_RETRY_SECONDS[attempts - 1], reason)
