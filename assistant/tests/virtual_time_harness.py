"""Runs the assistant's harness in virtual time, over the real SDK, sockets and Redis."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import redis.asyncio

from assistant.tests.async_model_server import serve_model
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import BOT, make_secretary, make_tool, make_user
from smart_kit.contracts.queue import Notice, Reply, Sender
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_text_response,
)
from smart_kit.testing.virtual_clock_loop import VirtualClockLoop


class TimedReply(NamedTuple):
    reply: Reply | Notice
    seconds: float


class VirtualTimeHarness:
    """The assistant's harness on a loop with a virtual clock."""

    def __init__(self, harness: AssistantHarness) -> None:
        self.harness = harness
        self._user_numbers = itertools.count(1)

    async def say(self, text: str = "hi") -> TimedReply:
        """Send a message of a new user; return the answer and its duration."""
        (reply,) = await self.say_from_users(1, text)
        return reply

    async def say_from_users(self, user_count: int, text: str = "hi") -> list[TimedReply]:
        """Send a message of this many new users at once; return the answers."""
        deliveries = []
        for number in itertools.islice(self._user_numbers, user_count):
            await self.harness.store_user(make_user(number))
            message = self.harness.make_message(
                text, conversation=f"tg:{BOT}:{number}", sender=Sender(telegram_id=number)
            )
            deliveries.append(await self.harness.deliver(message))
        return await asyncio.gather(*map(self._handle_timed, deliveries))

    async def _handle_timed(self, delivery: Any) -> TimedReply:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reply = self.harness.parse_only_reply(await self.harness.handle(delivery))
        return TimedReply(reply, loop.time() - began)


@asynccontextmanager
async def open_virtual_time_harness(
    settings: RedisSettings, model: ScriptedModel, fallback: str | None
) -> AsyncIterator[VirtualTimeHarness]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.track_redis(settings)
    assert settings.redis_password is not None
    client = redis.asyncio.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password.get_secret_value(),
        decode_responses=True,
    )
    await client.flushdb(asynchronous=True)
    async with serve_model(model) as url:
        harness = AssistantHarness(client, url, fallback)
        await harness.configure(make_secretary(make_tool("get_time"), make_tool("create_reminder")))
        try:
            yield VirtualTimeHarness(harness)
        finally:
            await harness.close()
            await client.aclose()


def run_in_virtual_time(
    settings: RedisSettings,
    model: ScriptedModel,
    scenario: Callable[[VirtualTimeHarness], Awaitable[None]],
    fallback: str | None = None,
) -> None:
    async def run() -> None:
        async with open_virtual_time_harness(settings, model, fallback) as made:
            await scenario(made)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(run())


def fail_one_model(
    model_name: str, failure: ScriptedResponse
) -> Callable[[RecordedRequest], ScriptedResponse]:
    """Return a responder with which one model always fails, and all others work."""
    return lambda request: (
        failure if request.body["model"] == model_name else make_text_response("I am well.")
    )
