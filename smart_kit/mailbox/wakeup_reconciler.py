"""Restores lost wake-ups: conversations that have waiting messages but no stream entry."""

import asyncio
import re

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


class WakeupReconciler:
    """Reconciler of one queue. Only manual edits and restored backups can lose its wake-ups."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._redis = redis
        self._queue = queue
        self._keys = QueueKeys(queue)
        self._script = AsyncScript(redis, read_script("reconcile"))

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile at each interval until `stop`."""
        while not stop.is_set():
            try:
                await self.restore_wakeups()
            except (*CONNECTION_ERRORS, ResponseError) as error:
                log.debug("queue reconciliation failed", queue=self._queue, reason=str(error))
            await sleep_until_stopped(stop, INTERVAL_SECONDS)

    async def restore_wakeups(self) -> int:
        """Restore lost wake-ups and return the number of affected conversations."""
        active = await await_result(self._redis.hkeys(self._keys.active))
        known = sorted({*await self._list_waiting(), *active})
        restored = 0
        for start in range(0, len(known), _BATCH_SIZE):
            restored += await self._script(
                keys=[self._keys.stream, self._keys.active, self._keys.delayed],
                args=[GROUP, self._keys.waiting_prefix, *known[start : start + _BATCH_SIZE]],
            )
        if restored:
            log.warning("lost wake-ups restored", queue=self._queue, conversations=restored)
        return restored

    async def _list_waiting(self) -> list[str]:
        pattern = _GLOB_CHARACTERS.sub(r"\\\g<0>", self._keys.waiting_prefix) + "*"
        found = self._redis.scan_iter(pattern, count=_SCAN_COUNT, _type="LIST")
        return [key.removeprefix(self._keys.waiting_prefix) async for key in found]
