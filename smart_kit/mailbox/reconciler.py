"""Restores lost wake-ups: conversations that have waiting messages but no stream entry."""

import asyncio
import re
from collections.abc import Iterator, Sequence

import structlog
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from smart_kit.aio import sleep_until_stopped
from smart_kit.mailbox.keys import QueueKeys
from smart_kit.mailbox.mailbox import GROUP, read_script
from smart_kit.redis import CONNECTION_ERRORS, Redis, await_result

INTERVAL_SECONDS = 60.0
_BATCH_SIZE = 500
"""Conversations per script call. Redis serves nothing else during a call."""
_SCAN_COUNT = 1000
"""Keys that one SCAN call examines."""
_GLOB_CHARACTERS = re.compile(r"[*?\[\]\\^]")

log = structlog.stdlib.get_logger()


class MailboxReconciler:
    """Reconciler of one queue.

    The mailbox's own scripts never lose a wake-up; manual edits and restored backups can.
    """

    def __init__(
        self, redis: Redis, queue: str, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._keys = QueueKeys(queue)
        self._interval_seconds = interval_seconds
        self._script = AsyncScript(redis, read_script("reconcile"))

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile at each interval until `stop`."""
        while not stop.is_set():
            try:
                await self.restore_wakeups()
            except (*CONNECTION_ERRORS, ResponseError) as error:
                log.debug("queue reconciliation failed", queue=self._queue, reason=str(error))
            await sleep_until_stopped(stop, self._interval_seconds)

    async def restore_wakeups(self) -> int:
        """Restore lost wake-ups and return the number of affected conversations."""
        known = {
            *await self._list_waiting(),
            *await await_result(self._redis.hkeys(self._keys.active)),
        }
        restored = 0
        for conversations in _split_batches(sorted(known)):
            restored += await self._script(
                keys=[self._keys.stream, self._keys.active, self._keys.delayed],
                args=[GROUP, self._keys.waiting_prefix, *conversations],
            )
        if restored:
            log.warning("lost wake-ups restored", queue=self._queue, conversations=restored)
        return restored

    async def _list_waiting(self) -> list[str]:
        """Return the conversations that have waiting messages."""
        pattern = _GLOB_CHARACTERS.sub(r"\\\g<0>", self._keys.waiting_prefix) + "*"
        found = self._redis.scan_iter(pattern, count=_SCAN_COUNT, _type="LIST")
        return [key.removeprefix(self._keys.waiting_prefix) async for key in found]


def _split_batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _BATCH_SIZE] for start in range(0, len(names), _BATCH_SIZE))
