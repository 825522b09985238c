"""Connections to Redis."""

from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from smart_kit.settings import RedisSettings

Redis: TypeAlias = redis.asyncio.Redis
T = TypeVar("T")

CONNECTION_ERRORS = (RedisConnectionError, RedisTimeoutError)
"""What a call raises while Redis is away; it comes back by itself.

Not OSError, which redis-py turns into these: any time-out of a handler's is one too.
"""

MAX_BLOCK_SECONDS = 2.0
"""How long a blocking read waits; short, so that a stop is quick."""

_SOCKET_MARGIN_SECONDS = 10.0


def connect(settings: RedisSettings) -> Redis:
    """A client for commands that answer at once."""
    return _client(settings, socket_timeout=5.0)


def connect_blocking(settings: RedisSettings) -> Redis:
    """A client for reads that block up to BLOCK_SECONDS and for subscriptions.

    redis-py 8 gives up on any answer after 5 s unless told otherwise, so its time-out is longer.
    """
    return _client(settings, socket_timeout=MAX_BLOCK_SECONDS + _SOCKET_MARGIN_SECONDS)


def _client(settings: RedisSettings, socket_timeout: float) -> Redis:
    password = settings.redis_password
    return redis.asyncio.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        password=password.get_secret_value() if password else None,
        decode_responses=True,
        socket_timeout=socket_timeout,
        socket_connect_timeout=5.0,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 3),
    )


async def await_result(command: Awaitable[Any] | Any) -> Any:
    """Await a command whose type redis-py gives as "perhaps awaitable"."""
    return await command
