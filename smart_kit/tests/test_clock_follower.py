"""How services follow the sandbox's clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from smart_kit.clock import Clock
from smart_kit.clock_follower import ClockFollower
from smart_kit.contracts.keys import CLOCK_CHANNEL, CLOCK_KEY
from smart_kit.redis import Redis, await_result, connect, connect_for_blocking_reads
from smart_kit.settings import RedisSettings
from smart_kit.testing.durable_valkey import DurableValkey

TIMEOUT_SECONDS = 60.0


class FollowedClock(Clock):
    """A clock with its follower, which counts the moves."""

    def __init__(self, redis: Redis, blocking: Redis) -> None:
        super().__init__()
        self.redis = redis
        self.moves = 0
        self.moved = asyncio.Event()
        self.follower = ClockFollower(self, redis, blocking, self.on_move)

    def on_move(self) -> None:
        self.moves += 1
        self.moved.set()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.follower.run(stop))
        yield
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_SECONDS)

    async def wait_for_offset(self, seconds: int) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while self.offset != timedelta(seconds=seconds):
                self.moved.clear()
                await self.moved.wait()

    async def wait_for_subscription(self) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (await await_result(self.redis.pubsub_numsub(CLOCK_CHANNEL)))[0][1]:
                await asyncio.sleep(0.005)

    async def announce(self, seconds: int | None) -> None:
        if seconds is None:
            await self.redis.delete(CLOCK_KEY)
        else:
            await self.redis.set(CLOCK_KEY, seconds)
        await self.redis.publish(CLOCK_CHANNEL, "")


async def test_clock_starts_with_the_stored_offset_and_follows_announcements(
    redis: Redis, blocking: Redis
) -> None:
    clock = FollowedClock(redis, blocking)
    await redis.set(CLOCK_KEY, 60)
    async with clock.following():
        await clock.wait_for_offset(60)
        await clock.wait_for_subscription()
        await clock.announce(86_400)
        await clock.wait_for_offset(86_400)

    assert clock.moves == 2
    assert clock.now() - datetime.now(UTC) > timedelta(hours=23)


async def test_clock_never_goes_back(redis: Redis, blocking: Redis) -> None:
    clock = FollowedClock(redis, blocking)
    await redis.set(CLOCK_KEY, 3600)
    async with clock.following():
        await clock.wait_for_offset(3600)
        await clock.wait_for_subscription()
        for earlier in (60, None):
            await clock.announce(earlier)
        await clock.announce(3601)
        await clock.wait_for_offset(3601)

    assert clock.moves == 2, "the earlier offset and the missing key moved nothing"


async def test_first_loop_has_the_offset_before_later_loops_can_use_the_connection(
    redis_settings: RedisSettings, blocking: Redis
) -> None:
    """A service that starts with a moved clock answers no message by the real time."""
    async with connect(redis_settings) as shared:
        await shared.set(CLOCK_KEY, 60)
        clock, stop = FollowedClock(shared, blocking), asyncio.Event()
        follower = asyncio.create_task(clock.follower.run(stop))

        async def use_the_connection() -> timedelta:
            await await_result(shared.ping())
            return clock.offset

        assert await asyncio.create_task(use_the_connection()) == timedelta(seconds=60)
        stop.set()
        await asyncio.wait_for(follower, TIMEOUT_SECONDS)


async def test_move_during_an_outage_of_redis_is_followed_after_it(
    durable_valkey: DurableValkey,
) -> None:
    commands = connect(durable_valkey.settings)
    blocking = connect_for_blocking_reads(durable_valkey.settings)
    clock = FollowedClock(commands, blocking)
    with structlog.testing.capture_logs() as lines:
        async with clock.following():
            await clock.wait_for_subscription()
            await commands.set(CLOCK_KEY, 60)  # and no announcement
            durable_valkey.kill()
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while not lines:
                    await asyncio.sleep(0.005)
            durable_valkey.start()
            await clock.wait_for_offset(60)
            await clock.wait_for_subscription()
            await clock.announce(120)
            await clock.wait_for_offset(120)
    await commands.aclose()
    await blocking.aclose()

    assert [line["event"] for line in lines] == ["clock subscription failed"]


def test_clock_shows_the_moved_time_in_a_zone() -> None:
    clock = Clock(timedelta(days=1))

    tokyo = clock.now(ZoneInfo("Asia/Tokyo"))

    assert tokyo.utcoffset() == timedelta(hours=9)
    assert abs(tokyo - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
