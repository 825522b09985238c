"""Updates that nobody could read go, as they came, to the dead letters of the queue."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smart_kit.mailbox import DeadLetter
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.redis import Redis


@dataclass(frozen=True)
class FailedUpdate:
    """An update as it came, and what is wrong with it."""

    raw: Any
    reason: str


class UpdateDeadLetterQueue:
    """The dead letters of the queue that updates go into."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._queue = queue
        self._dead_letters = DeadLetterQueue(redis, queue)

    async def add(self, updates: Sequence[FailedUpdate]) -> None:
        """Add updates that cannot be read, durably and in one round trip."""
        await self._dead_letters.add(*map(self._to_dead_letter, updates))

    def _to_dead_letter(self, update: FailedUpdate) -> DeadLetter:
        return DeadLetter(
            queue=self._queue,
            conversation="",
            payload=_to_json(update.raw),
            reason=update.reason,
            attempts=1,
        )


def _to_json(raw: Any) -> str:
    try:
        return json.dumps(raw)
    except RecursionError:
        return json.dumps({"update_id": raw.get("update_id"), "too": "deeply nested to be kept"})
