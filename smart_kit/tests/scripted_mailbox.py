"""A mailbox without Redis, which returns scripted results and records all calls."""

import asyncio
from typing import Any

import redis.asyncio

from smart_kit.mailbox import DeadLetter, Delivery, Mailbox, Outcome, StreamEntry
from smart_kit.redis import Redis

WORKER_TIMEOUT_SECONDS = 600.0
"""Virtual seconds within which every worker ends."""


def make_delivery(conversation: str = "chat", attempt: int = 1) -> Delivery:
    return Delivery("1-0", conversation, 7, attempt, "text")


class ScriptedMailbox(Mailbox):
    """Delivers what tests put into `incoming`.

    `results`: scripted results or errors of each operation, in order; afterwards it succeeds.
    """

    def __init__(self, **results: list[Any]) -> None:
        super().__init__(redis.asyncio.Redis(), "queue:scripted", lease_seconds=30.0)
        self.incoming = asyncio.Queue[Delivery]()
        self.calls: list[tuple[float, str, Any]] = []
        """Time, operation and arguments of each call."""
        self._responses = results
        self._received: dict[str, Delivery] = {}
        self._created_at = asyncio.get_running_loop().time()

    def calls_to(self, *operations: str) -> list[Any]:
        return [argument for _, operation, argument in self.calls if operation in operations]

    def call_times(self, operation: str) -> list[float]:
        """Return the times of calls in seconds since creation, rounded to hundredths."""
        return [round(at, 2) for at, name, _ in self.calls if name == operation]

    async def create_group(self) -> None:
        self._record_call("create", None)

    async def promote(self) -> float | None:
        seconds: float | None = self._record_call("promote", None)
        return seconds

    async def reclaim(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        found: list[Delivery] | None = self._record_call("reclaim", (consumer, limit))
        return [self._make_entry(delivery) for delivery in found or ()]

    async def renew_sign_of_life(self, consumer: str) -> None:
        self._record_call("sign", consumer)

    async def take_over(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        found: list[Delivery] | None = self._record_call("take_over", (consumer, limit))
        return [self._make_entry(delivery) for delivery in found or ()]

    async def list_received(self, blocking: Redis, consumer: str, limit: int) -> list[StreamEntry]:
        found: list[Delivery] | None = self._record_call("list_received", (consumer, limit))
        return [self._make_entry(delivery) for delivery in found or ()]

    async def receive(
        self, blocking: Redis, consumer: str, timeout_seconds: float, limit: int = 1
    ) -> list[StreamEntry]:
        self._record_call("receive", (blocking, consumer, round(timeout_seconds, 2), limit))
        try:
            async with asyncio.timeout(timeout_seconds):
                entries = [self._make_entry(await self.incoming.get())]
        except TimeoutError:
            return []
        while len(entries) < limit and not self.incoming.empty():
            entries.append(self._make_entry(self.incoming.get_nowait()))
        return entries

    async def begin(self, entry: StreamEntry) -> Delivery | None:
        self._record_call("begin", entry)
        return self._received.pop(entry.conversation, None)

    async def renew(self, delivery: Delivery, consumer: str) -> None:
        self._record_call("renew", (delivery, consumer))

    async def finish(
        self, delivery: Delivery, outcome: Outcome, *, dead_letter: DeadLetter | None = None
    ) -> None:
        self._record_call("finish", (delivery, outcome, dead_letter))

    async def delay(
        self, delivery: Delivery, delay_seconds: float, *, is_attempt_counted: bool = False
    ) -> None:
        self._record_call("delay", (delivery, delay_seconds, is_attempt_counted))

    async def remove_consumer(self, consumer: str) -> None:
        self._record_call("forget", consumer)

    def _make_entry(self, delivery: Delivery) -> StreamEntry:
        self._received[delivery.conversation] = delivery
        return StreamEntry(delivery.entry_id, delivery.conversation)

    def _record_call(self, operation: str, argument: Any) -> Any:
        at = asyncio.get_running_loop().time() - self._created_at
        self.calls.append((at, operation, argument))
        results = self._responses.get(operation)
        result = results.pop(0) if results else None
        if isinstance(result, Exception):
            raise result
        return result
