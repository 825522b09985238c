"""Whether Postgres and Redis are there, asked all the time so that /health need not wait."""

import asyncio

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from smart_kit.health import Health
from smart_kit.redis import Redis, answer

from .database import sqlstate
from .pause import pause

ASK_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
"""For an answer, before the other side counts as away."""

_UNDEFINED_TABLE = "42P01"


class Watch:
    """What was seen last."""

    def __init__(self, engine: AsyncEngine, redis: Redis) -> None:
        self._engine = engine
        self._redis = redis
        self._postgres: str | None = "has not been asked yet"
        self._redis_said: str | None = "has not been asked yet"

    def add_to(self, health: Health) -> None:
        """Report both."""
        health.add("postgres", lambda: self._postgres)
        health.add("redis", lambda: self._redis_said)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until stopped."""
        while not stop.is_set():
            await self.ask()
            await pause(stop, ASK_SECONDS)

    async def ask(self) -> None:
        """Ask both now."""
        self._postgres, self._redis_said = await asyncio.gather(
            self._ask_postgres(), self._ask_redis()
        )

    async def _ask_postgres(self) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._engine.connect() as connection:
                await connection.execute(text("SELECT version FROM configuration"))
        except TimeoutError:
            return "does not answer"
        except (SQLAlchemyError, OSError) as error:
            if sqlstate(error) == _UNDEFINED_TABLE:
                return "has no tables yet; run the migrations"
            return "cannot be reached"
        return None

    async def _ask_redis(self) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await answer(self._redis.ping())
        except TimeoutError:
            return "does not answer"
        except (RedisError, OSError) as error:
            return f"cannot be used: {error}"
        return None
