"""Looks at a mailbox now and then, for `/metrics` and for the operator."""

import asyncio
import contextlib

import structlog

from smart_kit.mailbox.letters import Depth
from smart_kit.mailbox.mailbox import Mailbox
from smart_kit.metrics import DEAD_LETTERS, QUEUE_CONVERSATIONS, QUEUE_OLDEST_SECONDS
from smart_kit.redis import UNREACHABLE

EVERY_SECONDS = 5.0
WORTH_TELLING = 5.0
"""Seconds a conversation may wait before an operator wants to know."""

log = structlog.stdlib.get_logger()


class Watch:
    """The last look at one mailbox."""

    def __init__(self, mailbox: Mailbox, every: float = EVERY_SECONDS) -> None:
        self._mailbox = mailbox
        self._every = every
        self._depth: Depth | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop`."""
        while not stop.is_set():
            try:
                await self.look()
            except UNREACHABLE as error:
                log.debug("queue not looked at", queue=self._mailbox.name, reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)

    async def look(self) -> None:
        """Look once."""
        depth = self._depth = await self._mailbox.depth()
        queue = self._mailbox.name
        QUEUE_CONVERSATIONS.labels(queue, "ready").set(depth.conversations - depth.delayed)
        QUEUE_CONVERSATIONS.labels(queue, "delayed").set(depth.delayed)
        QUEUE_OLDEST_SECONDS.labels(queue).set(depth.oldest_seconds)
        DEAD_LETTERS.labels(queue).set(depth.dead)

    def note(self) -> str:
        """What an operator should know, e.g. "the oldest of 3 waits 41 s; 2 dead letters"."""
        depth, said = self._depth, []
        if depth and depth.oldest_seconds >= WORTH_TELLING:
            said.append(f"the oldest of {depth.conversations} waits {depth.oldest_seconds:.0f} s")
        if depth and depth.dead:
            said.append(f"{depth.dead} dead letter{'s' if depth.dead > 1 else ''}")
        return "; ".join(said)
