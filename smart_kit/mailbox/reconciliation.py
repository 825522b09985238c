"""Wakes conversations that something has put to sleep although a message waits in them."""

import asyncio
import contextlib
import re
from collections.abc import Iterator, Sequence

import structlog
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from smart_kit.mailbox.mailbox import GROUP, source_of
from smart_kit.redis import UNREACHABLE, Redis, answer

EVERY_SECONDS = 60.0
_BATCH = 500
"""Conversations that one script looks at: nobody else is served meanwhile."""
_LOOKED_AT = 1000
"""Keys of any kind that one step of a scan looks at."""
_SPECIAL = re.compile(r"[*?\[\]\\^]")

log = structlog.stdlib.get_logger()


class Reconciliation:
    """Of one queue. Our own scripts never need it; hands, tools and restored data may."""

    def __init__(self, redis: Redis, queue: str, every: float = EVERY_SECONDS) -> None:
        self._redis = redis
        self._queue = queue
        self._prefix = f"{queue}:waiting:"
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
        known = {*await self._waiting(), *await answer(self._redis.hkeys(f"{self._queue}:active"))}
        woken = 0
        for conversations in _batches(sorted(known)):
            woken += await self._script(
                keys=[self._queue, f"{self._queue}:active", f"{self._queue}:delayed"],
                args=[GROUP, self._prefix, *conversations],
            )
        if woken:
            log.warning("lost wake-ups replaced", queue=self._queue, conversations=woken)
        return woken

    async def _waiting(self) -> list[str]:
        """The conversations in which messages wait."""
        pattern = _SPECIAL.sub(r"\\\g<0>", self._prefix) + "*"
        found = self._redis.scan_iter(pattern, count=_LOOKED_AT, _type="LIST")
        return [key.removeprefix(self._prefix) async for key in found]


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))
