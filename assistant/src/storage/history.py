"""The newest items of a thread, as they were sent. They are written by the mailbox's `finish`."""

from uuid import UUID

from smart_kit.contracts.keys import history_key
from smart_kit.redis import Redis, answer


class HistoryStore:
    """Reads histories."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def newest(self, thread_id: UUID, count: int) -> tuple[list[str], int]:
        """The newest items, oldest first, and how many are kept in all."""
        key = history_key(thread_id)
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.lrange(key, -count, -1)
            pipeline.llen(key)
            items, length = await answer(pipeline.execute())
        return list(items), int(length)
