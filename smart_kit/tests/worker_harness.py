"""A worker for tests, and a handler that records its deliveries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from smart_kit.mailbox import Delivery, Mailbox, Outcome, StreamEntry, Worker, WorkerTimings
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.redis import Redis

TIMEOUT_SECONDS = 60.0
"""Time limit of every wait; all of them take far less."""

FAST_TIMINGS = WorkerTimings(
    promote_interval_seconds=0.01, crash_backoff_seconds=0.001, drain_timeout_seconds=0.05
)

MessageHandler = Callable[[Delivery], Awaitable[Outcome]]


class RecordingHandler:
    """A handler that records its deliveries. Each response is an error or a duration in seconds."""

    def __init__(self, *responses: Exception | float) -> None:
        self.deliveries: list[Delivery] = []
        self.cancelled: list[Delivery] = []
        self.completed: list[str] = []
        self._responses = list(responses)

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.deliveries.append(delivery)
        response = self._responses.pop(0) if self._responses else 0.0
        if isinstance(response, Exception):
            raise response
        try:
            await asyncio.sleep(response)
        except asyncio.CancelledError:
            self.cancelled.append(delivery)
            raise
        self.completed.append(delivery.payload)
        return Outcome(journal_message_id=delivery.payload)

    @property
    def attempts(self) -> list[tuple[str, int]]:
        return [(delivery.payload, delivery.attempt) for delivery in self.deliveries]


async def no_dead_letter_reply(_: Delivery) -> Outcome:
    return Outcome()


@asynccontextmanager
async def run_worker(
    mailbox: Mailbox,
    blocking: Redis,
    handler: MessageHandler,
    on_dead_letter: MessageHandler = no_dead_letter_reply,
    **options: Any,
) -> AsyncIterator[asyncio.Event]:
    """Run a worker. Yields its stop event; without a stop the worker is cancelled."""
    stop = asyncio.Event()
    worker = Worker(
        mailbox, blocking, handler, on_dead_letter, **{"timings": FAST_TIMINGS} | options
    )
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop
        if stop.is_set():
            await asyncio.wait_for(running, TIMEOUT_SECONDS)
    finally:
        stop.set()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def expire_lease(redis: Redis, entry: StreamEntry) -> None:
    """End the lease of a killed worker instead of waiting for it."""
    await redis.xclaim("in", GROUP, "killed", 0, [entry.id], idle=60_000, justid=True)
