"""Wakes conversations that something has put to sleep although a message waits in them."""

import asyncio
import contextlib

import structlog
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from smart_kit.mailbox.mailbox import GROUP, source_of
from smart_kit.redis import UNREACHABLE, Redis

EVERY_SECONDS = 60.0

log = structlog.stdlib.get_logger()


class Reconciliation:
    """Of one queue. Our own scripts never need it; hands, tools and restored data may."""

    def __init__(self, redis: Redis, queue: str, every: float = EVERY_SECONDS) -> None:
        self._queue = queue
        self._every = every
        self._script = AsyncScript(redis, source_of("reconcile"))

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`."""
        while not stop.is_set():
            try:
                await self.wake()
            except (*UNREACHABLE, ResponseError) as error:
                log.debug("queue not reconciled", queue=self._queue, reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)

    async def wake(self) -> int:
        """Wake what sleeps by mistake; returns how many conversations did."""
        # who never had a turn is only among the active, who has no entry only among the fenced
        woken = await self._walk("active") + await self._walk("fence")
        if woken:
            log.warning("lost wake-ups replaced", queue=self._queue, conversations=woken)
        return woken

    async def _walk(self, known: str) -> int:
        cursor, woken = "0", 0
        while True:
            cursor, more = await self._script(
                keys=[
                    self._queue,
                    *(f"{self._queue}:{key}" for key in ("active", "delayed", known)),
                ],
                args=[GROUP, cursor, f"{self._queue}:waiting:"],
            )
            woken += int(more)
            if cursor == "0":
                return woken
