"""Reads the waiting messages of the queues."""

import asyncio

from redis.exceptions import RedisError

from smart_kit.contracts.queue import (
    TO_SECRETARY_ADAPTER,
    TO_TELEGRAM_ADAPTER,
    Notification,
    ScheduledPrompt,
)
from smart_kit.redis import Redis, await_result

TIMEOUT_SECONDS = 60.0
"""Time limit of every wait."""


async def read_notifications(redis: Redis) -> list[Notification]:
    """Return the messages for tg_bot, in order."""
    messages = [
        TO_TELEGRAM_ADAPTER.validate_json(text)
        for text in await _read_waiting(redis, "to_telegram")
    ]
    return [message for message in messages if isinstance(message, Notification)]


async def read_prompts(redis: Redis) -> list[ScheduledPrompt]:
    """Return the messages for the secretary, in order."""
    messages = [
        TO_SECRETARY_ADAPTER.validate_json(text)
        for text in await _read_waiting(redis, "to_secretary")
    ]
    return [message for message in messages if isinstance(message, ScheduledPrompt)]


async def wait_for_notifications(redis: Redis, count: int) -> list[Notification]:
    """Wait until a queue has so many messages, even if Redis restarts meanwhile."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            try:
                found = await read_notifications(redis)
            except RedisError:
                found = []
            if len(found) >= count:
                return found
            await asyncio.sleep(0.005)


async def _read_waiting(redis: Redis, queue: str) -> list[str]:
    return list(await await_result(redis.lrange(f"{queue}:waiting:tg:42:700", 0, -1)))
