"""Updates that nobody could read go, as they came, to the dead letters of the queue."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smart_kit.mailbox import DeadLetter
from smart_kit.redis import Redis


@dataclass(frozen=True)
class BadUpdate:
    """An update as it came, and what is wrong with it."""

    raw: Any
    reason: str


class DeadLetters:
    """The dead letters of one queue."""

    def __init__(self, redis: Redis, queue: str) -> None:
        self._redis = redis
        self._queue = queue

    async def keep(self, updates: Sequence[BadUpdate]) -> None:
        """Durably, in one round trip."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for update in updates:
                letter = DeadLetter(
                    queue=self._queue,
                    conversation="",
                    payload=_text(update.raw),
                    reason=update.reason,
                    attempts=1,
                )
                pipeline.xadd(f"{self._queue}:dead", {"letter": letter.model_dump_json()})
            await pipeline.execute()


def _text(raw: Any) -> str:
    try:
        return json.dumps(raw)
    except RecursionError:
        return json.dumps({"update_id": raw.get("update_id"), "too": "deeply nested to be kept"})
