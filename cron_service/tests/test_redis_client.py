"""How cron_service receives announcements of changed jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from cron_service.app.redis_client import RedisClient
from smart_kit.contracts.keys import CRON_CHANNEL
from smart_kit.mailbox import Mailbox
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.testing.durable_valkey import DurableValkey

TIMEOUT_SECONDS = 60.0


class WakeCounter:
    """Counts wake-ups."""

    def __init__(self) -> None:
        self.count = 0

    def wake(self) -> None:
        self.count += 1

    async def wait_for_count(self, times: int) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while self.count < times:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def run_listener(client: RedisClient, wake: Callable[[], None]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(client.listen(stop, wake))
    yield
    stop.set()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_listener_wakes_on_subscription_and_each_announcement(
    redis_client: RedisClient, redis: Redis
) -> None:
    counter = WakeCounter()
    async with run_listener(redis_client, counter.wake):
        await counter.wait_for_count(1)
        for times in (2, 3):
            await redis.publish(CRON_CHANNEL, "changed")
            await counter.wait_for_count(times)

    assert counter.count == 3


async def test_listener_wakes_and_resubscribes_after_redis_crash(
    durable_valkey: DurableValkey,
) -> None:
    commands = connect(durable_valkey.settings)
    blocking = connect_for_blocking_reads(durable_valkey.settings)
    client = RedisClient(commands, blocking, Mailbox(commands, "a"), Mailbox(commands, "b"))
    counter = WakeCounter()
    with structlog.testing.capture_logs() as lines:
        async with run_listener(client, counter.wake):
            await counter.wait_for_count(1)
            durable_valkey.kill()
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while not lines:
                    await asyncio.sleep(0.005)
            durable_valkey.start()
            await counter.wait_for_count(2)
            await commands.publish(CRON_CHANNEL, "changed")
            await counter.wait_for_count(3)
    await commands.aclose()
    await blocking.aclose()

    assert [line["event"] for line in lines] == ["announcement subscription failed"]


async def test_listener_ends_on_stop_event(redis_client: RedisClient) -> None:
    stop, counter = asyncio.Event(), WakeCounter()
    task = asyncio.create_task(redis_client.listen(stop, counter.wake))
    await counter.wait_for_count(1)
    stop.set()

    await asyncio.wait_for(task, TIMEOUT_SECONDS)
