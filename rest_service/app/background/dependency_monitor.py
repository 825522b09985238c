"""Checks Postgres and Redis regularly, so that /health answers at once."""

import asyncio

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from smart_kit.aio import sleep_until_stopped
from smart_kit.health import Health
from smart_kit.redis import Redis, await_result

from ..database import get_sqlstate

CHECK_INTERVAL_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 2.0
"""Time limit of a check."""

_UNDEFINED_TABLE = "42P01"


class DependencyMonitor:
    """The results of the last checks."""

    def __init__(self, engine: AsyncEngine, redis: Redis) -> None:
        self._engine = engine
        self._redis = redis
        self._postgres_error: str | None = "has not been checked yet"
        self._redis_error: str | None = "has not been checked yet"

    def add_to(self, health: Health) -> None:
        """Add both results to /health."""
        health.add_check("postgres", lambda: self._postgres_error)
        health.add_check("redis", lambda: self._redis_error)

    async def run(self, stop: asyncio.Event) -> None:
        """Check until stopped."""
        while not stop.is_set():
            await self.check()
            await sleep_until_stopped(stop, CHECK_INTERVAL_SECONDS)

    async def check(self) -> None:
        """Check both now."""
        self._postgres_error, self._redis_error = await asyncio.gather(
            self._check_postgres(), self._check_redis()
        )

    async def _check_postgres(self) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS), self._engine.connect() as connection:
                await connection.execute(text("SELECT version FROM configuration"))
        except TimeoutError:
            return "does not answer"
        except (SQLAlchemyError, OSError) as error:
            if get_sqlstate(error) == _UNDEFINED_TABLE:
                return "has no tables yet; run the migrations"
            return "cannot be reached"
        return None

    async def _check_redis(self) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await await_result(self._redis.ping())
        except TimeoutError:
            return "does not answer"
        except (RedisError, OSError) as error:
            return f"cannot be used: {error}"
        return None
