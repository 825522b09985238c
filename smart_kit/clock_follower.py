"""Follows the sandbox's clock, which rest_service moves and announces in Redis."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.clock import Clock
from smart_kit.contracts.keys import CLOCK_CHANNEL, CLOCK_KEY
from smart_kit.redis import Redis, await_result

RECONNECT_DELAY_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 0.5
"""Longest wait for an announcement; short, so that a stop is quick."""

log = structlog.stdlib.get_logger()


class ClockFollower:
    """Keeps a clock at the offset in Redis. The clock only goes forward, even if Redis is empty."""

    def __init__(
        self,
        clock: Clock,
        redis: Redis,
        blocking: Redis,
        on_move: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._redis = redis
        self._blocking = blocking
        self._on_move = on_move

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until stopped.

        The first command is sent on the shared connection. A loop that is started after this one
        and uses the same connection therefore sees the clock as it was moved before the start.
        """
        is_disconnected = False
        while not stop.is_set():
            try:
                await self._refresh()
                async with self._blocking.pubsub() as subscription:
                    await subscription.subscribe(CLOCK_CHANNEL)
                    is_disconnected = False
                    while not stop.is_set():
                        # an announcement, or the confirmation of a new or renewed subscription
                        if await subscription.get_message(timeout=POLL_TIMEOUT_SECONDS):
                            await self._refresh()
            except RedisError as error:
                if not is_disconnected:
                    log.warning("clock subscription failed", reason=str(error))
                is_disconnected = True
                await sleep_until_stopped(stop, RECONNECT_DELAY_SECONDS)

    async def _refresh(self) -> None:
        seconds = await await_result(self._redis.get(CLOCK_KEY))
        offset = timedelta(seconds=int(seconds or 0))
        if offset > self._clock.offset:
            self._clock.offset = offset
            self._on_move()
