"""Measures a queue periodically, for `/metrics` and `/health`."""

import asyncio

import structlog

from smart_kit.aio import sleep_until_stopped
from smart_kit.mailbox.mailbox import Mailbox
from smart_kit.mailbox.messages import QueueDepth
from smart_kit.metrics import DEAD_LETTERS, QUEUE_CONVERSATIONS, QUEUE_OLDEST_SECONDS
from smart_kit.redis import CONNECTION_ERRORS

INTERVAL_SECONDS = 5.0
LONG_WAIT_SECONDS = 5.0
"""Seconds a conversation may wait before `/health` mentions it."""

log = structlog.stdlib.get_logger()


class QueueMonitor:
    """The latest measurement of one queue."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._depth: QueueDepth | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Measure at each interval until `stop`."""
        queue = self._mailbox.name
        while not stop.is_set():
            try:
                await self.collect()
            except CONNECTION_ERRORS as error:
                log.debug("queue depth collection failed", queue=queue, reason=str(error))
            await sleep_until_stopped(stop, INTERVAL_SECONDS)

    async def collect(self) -> None:
        """Measure the queue and update the metrics."""
        depth = self._depth = await self._mailbox.get_depth()
        queue = self._mailbox.name
        QUEUE_CONVERSATIONS.labels(queue, "ready").set(depth.conversations - depth.delayed)
        QUEUE_CONVERSATIONS.labels(queue, "delayed").set(depth.delayed)
        QUEUE_OLDEST_SECONDS.labels(queue).set(depth.oldest_seconds)
        DEAD_LETTERS.labels(queue).set(depth.dead_letters)

    def health_note(self) -> str:
        """Return a note for `/health`, e.g. "the oldest of 3 waits 41 s; 2 dead letters"."""
        depth, notes = self._depth, []
        if depth and depth.oldest_seconds >= LONG_WAIT_SECONDS:
            notes.append(f"the oldest of {depth.conversations} waits {depth.oldest_seconds:.0f} s")
        if depth and depth.dead_letters:
            notes.append(f"{depth.dead_letters} dead letter{'s' if depth.dead_letters > 1 else ''}")
        return "; ".join(notes)
