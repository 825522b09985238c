"""How cron_service hears that jobs have changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from cron_service.app.redis_client import RedisClient
from smart_kit.contracts.keys import CRON_CHANNEL
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis, connect, connect_blocking
from smart_kit.testing.durable_valkey import DurableValkey

SECONDS = 60.0


class RingCounter:
    """Counts its rings."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1

    async def rung(self, times: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.rings < times:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(client: RedisClient, ring: Callable[[], None]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(client.listen(stop, ring))
    yield
    stop.set()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_it_rings_when_it_begins_to_hear_and_at_each_announcement(
    redis_client: RedisClient, redis: Redis
) -> None:
    bell = RingCounter()
    async with listening(redis_client, bell.ring):
        await bell.rung(1)
        for times in (2, 3):
            await redis.publish(CRON_CHANNEL, "changed")
            await bell.rung(times)

    assert bell.rings == 3


async def test_after_a_crash_of_redis_it_rings_because_something_may_be_missed_and_hears_again(
    durable_valkey: DurableValkey,
) -> None:
    commands = connect(durable_valkey.settings)
    blocking = connect_blocking(durable_valkey.settings)
    client = RedisClient(commands, blocking, Mailbox(commands, "a"), Mailbox(commands, "b"))
    bell = RingCounter()
    with structlog.testing.capture_logs() as lines:
        async with listening(client, bell.ring):
            await bell.rung(1)
            durable_valkey.kill()
            async with asyncio.timeout(SECONDS):
                while not lines:
                    await asyncio.sleep(0.005)
            durable_valkey.start()
            await bell.rung(2)
            await commands.publish(CRON_CHANNEL, "changed")
            await bell.rung(3)
    await commands.aclose()
    await blocking.aclose()

    assert [line["event"] for line in lines] == ["announcements cannot be heard"]


async def test_it_ends_when_told_to(redis_client: RedisClient) -> None:
    stop, bell = asyncio.Event(), RingCounter()
    task = asyncio.create_task(redis_client.listen(stop, bell.ring))
    await bell.rung(1)
    stop.set()

    await asyncio.wait_for(task, SECONDS)
