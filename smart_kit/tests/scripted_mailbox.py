"""A mailbox that says what a test wants and keeps what a worker asks of it; Redis has no part."""

import asyncio
from typing import Any

import redis.asyncio

from smart_kit.mailbox import DeadLetter, Delivery, Entry, Mailbox, Outcome
from smart_kit.redis import Redis

LONG = 600.0
"""Seconds of the virtual clock in which any worker ends."""


def delivery(conversation: str = "chat", attempt: int = 1) -> Delivery:
    return Delivery("1-0", conversation, 7, attempt, "text")


class ScriptedMailbox(Mailbox):
    """What is put into `arriving` is received, and begun as the delivery it is.

    `answers`: what an operation answers or raises, one after the other; then as if all were well.
    """

    def __init__(self, **answers: list[Any]) -> None:
        super().__init__(redis.asyncio.Redis(), "queue:scripted", lease_seconds=30.0)
        self.arriving = asyncio.Queue[Delivery]()
        self.asked: list[tuple[float, str, Any]] = []
        """When, by the loop's clock, and for what."""
        self._answers = answers
        self._begun: dict[str, Delivery] = {}
        self._began_at = asyncio.get_running_loop().time()

    def told(self, *operations: str) -> list[Any]:
        return [what for _, operation, what in self.asked if operation in operations]

    def times(self, operation: str) -> list[float]:
        """Seconds since it was made, rounded to hundredths."""
        return [round(at, 2) for at, name, _ in self.asked if name == operation]

    async def create(self) -> None:
        self._answer("create", None)

    async def promote(self) -> float | None:
        seconds: float | None = self._answer("promote", None)
        return seconds

    async def reclaim(self, consumer: str, most: int) -> list[Entry]:
        found: list[Delivery] | None = self._answer("reclaim", (consumer, most))
        return [self._entry(one) for one in found or ()]

    async def receive(self, blocking: Redis, consumer: str, seconds: float) -> Entry | None:
        self._answer("receive", (blocking, consumer, round(seconds, 2)))
        try:
            async with asyncio.timeout(seconds):
                return self._entry(await self.arriving.get())
        except TimeoutError:
            return None

    async def begin(self, entry: Entry) -> Delivery | None:
        self._answer("begin", entry)
        return self._begun.pop(entry.conversation, None)

    async def renew(self, delivery: Delivery, consumer: str) -> None:
        self._answer("renew", (delivery, consumer))

    async def finish(
        self, delivery: Delivery, outcome: Outcome, *, dead: DeadLetter | None = None
    ) -> None:
        self._answer("finish", (delivery, outcome, dead))

    async def delay(
        self, delivery: Delivery, after_seconds: float, *, is_counted: bool = False
    ) -> None:
        self._answer("delay", (delivery, after_seconds, is_counted))

    async def forget(self, consumer: str) -> None:
        self._answer("forget", consumer)

    def _entry(self, delivery: Delivery) -> Entry:
        self._begun[delivery.conversation] = delivery
        return Entry(delivery.entry, delivery.conversation)

    def _answer(self, operation: str, what: Any) -> Any:
        at = asyncio.get_running_loop().time() - self._began_at
        self.asked.append((at, operation, what))
        answers = self._answers.get(operation)
        answered = answers.pop(0) if answers else None
        if isinstance(answered, Exception):
            raise answered
        return answered
