"""A desk on a loop that skips: over the real SDK, sockets and Redis, no second is waited for."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import redis.asyncio

from assistant.tests.desk import BOT, Desk, person, secretary, tool
from assistant.tests.skipping_loop import SkippingLoop
from smart_kit.contracts.queue import Notice, Reply, Sender
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, says


class Said(NamedTuple):
    answer: Reply | Notice
    seconds: float


class Room:
    """A desk on a loop that skips."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._numbers = itertools.count(1)

    async def say(self, text: str = "hi") -> Said:
        """The answer to a message of somebody else each time, and how long it took."""
        (said,) = await self.say_all(1, text)
        return said

    async def say_all(self, people: int, text: str = "hi") -> list[Said]:
        """Of so many people at a time."""
        deliveries = []
        for number in itertools.islice(self._numbers, people):
            await self.desk.introduce(person(number))
            message = self.desk.message(
                text, conversation=f"tg:{BOT}:{number}", sender=Sender(telegram_id=number)
            )
            deliveries.append(await self.desk.deliver(message))
        return await asyncio.gather(*map(self._timed, deliveries))

    async def _timed(self, delivery: Any) -> Said:
        loop = asyncio.get_running_loop()
        began = loop.time()
        said = self.desk.only(await self.desk.handle(delivery))
        return Said(said, loop.time() - began)


@asynccontextmanager
async def room(
    settings: RedisSettings, model: ScriptedModel, fallback: str | None
) -> AsyncIterator[Room]:
    assert settings.redis_password is not None
    client = redis.asyncio.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password.get_secret_value(),
        decode_responses=True,
        socket_timeout=None,  # would be skipped
    )
    await client.flushdb()
    desk = Desk(client, model.url, fallback)
    await desk.configure(secretary(tool("get_time"), tool("create_reminder")))
    try:
        yield Room(desk)
    finally:
        await desk.close()
        await client.aclose()


def in_a_room(
    settings: RedisSettings,
    model: ScriptedModel,
    scene: Callable[[Room], Awaitable[None]],
    fallback: str | None = None,
) -> None:
    async def run() -> None:
        async with room(settings, model, fallback) as made:
            await scene(made)

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())


def with_faults_of(model_name: str, fault: Answer) -> Callable[[Asked], Answer]:
    """One model always does this; any other is well."""
    return lambda asked: fault if asked.body["model"] == model_name else says("I am well.")
