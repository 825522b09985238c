"""Updates that nobody could read go, as they came, to the dead letters of the queue."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smart_kit.mailbox import DeadLetter
from smart_kit.redis import Redis


@dataclass(frozen=True)
class FailedUpdate:
    """An update as it came, and what is wrong with it."""

    raw: Any
    reason: str


class UpdateDeadLetterQueue:
    """The dead letters of one queue."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._redis = redis
        self._queue = queue

    async def add(self, updates: Sequence[FailedUpdate]) -> None:
        """Durably, in one round trip."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for update in updates:
                entry = DeadLetter(
                    queue=self._queue,
                    conversation="",
                    payload=_to_json(update.raw),
                    reason=update.reason,
                    attempts=1,
                )
                pipeline.xadd(f"{self._queue}:dead", {"dead_letter": entry.model_dump_json()})
            await pipeline.execute()


def _to_json(raw: Any) -> str:
    try:
        return json.dumps(raw)
    except RecursionError:
        return json.dumps({"update_id": raw.get("update_id"), "too": "deeply nested to be kept"})
