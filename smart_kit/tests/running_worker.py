"""A worker in a test, and a handler that keeps what it was given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from smart_kit.mailbox import Delivery, Entry, Mailbox, Outcome, Pace, Worker
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.redis import Redis

SECONDS = 60.0
"""How long anything may take before a test fails; all of it takes far less."""

QUICK = Pace(promote=0.01, crash_backoff=0.001, hand_over=0.05)

Handle = Callable[[Delivery], Awaitable[Outcome]]


class RecordingHandler:
    """A handler that keeps what it was given; `answers` says what to do with the next ones."""

    def __init__(self, *answers: Exception | float) -> None:
        self.taken: list[Delivery] = []
        self.cancelled: list[Delivery] = []
        self.done: list[str] = []
        self._answers = list(answers)

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.taken.append(delivery)
        response = self._answers.pop(0) if self._answers else 0.0
        if isinstance(response, Exception):
            raise response
        try:
            await asyncio.sleep(response)
        except asyncio.CancelledError:
            self.cancelled.append(delivery)
            raise
        self.done.append(delivery.payload)
        return Outcome(journal_of=delivery.payload)

    @property
    def attempts(self) -> list[tuple[str, int]]:
        return [(delivery.payload, delivery.attempt) for delivery in self.taken]


async def no_apology(_: Delivery) -> Outcome:
    return Outcome()


@asynccontextmanager
async def running_worker(
    mailbox: Mailbox,
    blocking: Redis,
    handler: Handle,
    apology: Handle = no_apology,
    **options: Any,
) -> AsyncIterator[asyncio.Event]:
    """A running worker; yields its stop, and ends it abruptly where the test does not use that."""
    stop = asyncio.Event()
    worker = Worker(mailbox, blocking, handler, apology, **{"pace": QUICK} | options)
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop
        if stop.is_set():
            await asyncio.wait_for(running, SECONDS)
    finally:
        stop.set()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def end_lease(redis: Redis, entry: Entry) -> None:
    """Let its time pass for a worker that was killed, instead of waiting for it."""
    await redis.xclaim("in", GROUP, "killed", 0, [entry.id], idle=60_000, justid=True)
