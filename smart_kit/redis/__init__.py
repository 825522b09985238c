"""Connections to Redis."""

from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from smart_kit.redis.client import SharedRedis
from smart_kit.settings import RedisSettings

Redis: TypeAlias = redis.asyncio.Redis
T = TypeVar("T")

CONNECTION_ERRORS = (RedisConnectionError, RedisTimeoutError)
"""Errors of a call while Redis is unavailable; a later call may succeed.

OSError is not one of them: redis-py converts it, and a handler's own time-outs are OSErrors too.
"""

MAX_BLOCK_SECONDS = 2.0
"""Longest wait of a blocking read; short, so that a stop is quick."""

_SOCKET_MARGIN_SECONDS = 10.0


def connect(settings: RedisSettings) -> Redis:
    """Return a client for commands that do not block. They share one connection.

    It repeats a command whose reply was lost.
    """
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 3)
    return SharedRedis(**_client_options(settings, socket_timeout=5.0, retry=retry))


def connect_for_blocking_reads(settings: RedisSettings) -> Redis:
    """Return a client for subscriptions and for reads that block up to MAX_BLOCK_SECONDS.

    It repeats nothing: a read of a consumer group that was repeated would hide that the reply to
    the first one was lost.
    """
    timeout = MAX_BLOCK_SECONDS + _SOCKET_MARGIN_SECONDS
    retry = Retry(NoBackoff(), 0)
    return redis.asyncio.Redis(**_client_options(settings, socket_timeout=timeout, retry=retry))


def _client_options(settings: RedisSettings, socket_timeout: float, retry: Retry) -> dict[str, Any]:
    password = settings.redis_password
    return {
        "host": settings.redis_host,
        "port": settings.redis_port,
        "db": settings.redis_db,
        "password": password.get_secret_value() if password else None,
        "decode_responses": True,
        "socket_timeout": socket_timeout,
        "socket_connect_timeout": 5.0,
        "health_check_interval": 15,
        "retry": retry,
    }


async def await_result(command: Awaitable[Any] | Any) -> Any:
    """Await a command that redis-py declares as either a value or an awaitable."""
    return await command
