"""Which configuration the assistant uses."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from assistant.src.storage import configuration
from assistant.src.storage.configuration import ConfigurationStore
from assistant.tests.snapshot_builders import make_secretary
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_CHANNEL, CONFIGURATION_KEY
from smart_kit.redis import Redis, connect_for_blocking_reads
from smart_kit.settings import RedisSettings

pytestmark = pytest.mark.clock("virtual")


def make_snapshot(version: int, instructions: str = "Be kind.") -> str:
    assistants = (make_secretary(instructions=instructions),)
    return ConfigurationSnapshot(version=version, assistants=assistants).model_dump_json()


@pytest.fixture
async def store(redis: Redis, redis_settings: RedisSettings) -> AsyncIterator[ConfigurationStore]:
    blocking = connect_for_blocking_reads(redis_settings)
    yield ConfigurationStore(redis, blocking)
    await blocking.aclose()


@contextlib.asynccontextmanager
async def run_watcher(store: ConfigurationStore) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(store.watch(stop))
    yield
    stop.set()
    await task


async def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition is true."""
    clock = asyncio.get_running_loop().time
    started = clock()
    while not condition():
        assert clock() - started < seconds
        await asyncio.sleep(0.01)


def get_version(store: ConfigurationStore) -> int | None:
    return store.current.version if store.current else None


async def test_an_announcement_is_followed_before_the_next_poll(
    redis: Redis, redis_settings: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "MAX_BLOCK_SECONDS", 3600)
    blocking = connect_for_blocking_reads(redis_settings)
    store = ConfigurationStore(redis, blocking)
    stop = asyncio.Event()
    watching = asyncio.create_task(store.watch(stop))
    for number in (1, 2, 3):
        await redis.set(CONFIGURATION_KEY, make_snapshot(number))
        await redis.publish(CONFIGURATION_CHANNEL, str(number))
        await wait_until(lambda: get_version(store) == number)  # noqa: B023 # asked within the loop

    stop.set()
    await redis.publish(CONFIGURATION_CHANNEL, "3")  # so that it sees the end
    await watching
    await blocking.aclose()


async def test_change_without_an_announcement_is_found_by_polling(
    store: ConfigurationStore, redis: Redis
) -> None:
    async with run_watcher(store):
        await redis.set(CONFIGURATION_KEY, make_snapshot(1))
        await wait_until(lambda: get_version(store) == 1)
        await redis.set(CONFIGURATION_KEY, make_snapshot(2))

        await wait_until(lambda: get_version(store) == 2)


async def test_a_lost_connection_is_made_again(store: ConfigurationStore, redis: Redis) -> None:
    await redis.set(CONFIGURATION_KEY, make_snapshot(1))
    async with run_watcher(store):
        await wait_until(lambda: get_version(store) == 1)
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await redis.set(CONFIGURATION_KEY, make_snapshot(2))

        await wait_until(lambda: get_version(store) == 2)


async def test_lower_version_in_redis_is_loaded(store: ConfigurationStore, redis: Redis) -> None:
    """As after a restore of Postgres from a backup; rest_service guards the key."""
    for number in (5, 4, 6):
        await redis.set(CONFIGURATION_KEY, make_snapshot(number))
        await store.refresh()
        assert get_version(store) == number


async def test_the_same_version_written_again_after_a_flush_is_taken(
    store: ConfigurationStore, redis: Redis
) -> None:
    await redis.set(CONFIGURATION_KEY, make_snapshot(5))
    await store.refresh()
    await redis.flushdb(asynchronous=True)
    await store.refresh()
    assert get_version(store) == 5

    await redis.set(CONFIGURATION_KEY, make_snapshot(5, "Be kinder."))
    await store.refresh()
    assert store.current is not None
    assert store.current.assistants[0].instructions == "Be kinder."


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"version": 9, "assistants": [{}]}'])
async def test_invalid_snapshot_is_ignored(
    store: ConfigurationStore, redis: Redis, broken: str
) -> None:
    await redis.set(CONFIGURATION_KEY, make_snapshot(5))
    await store.refresh()
    before = store.current
    await redis.set(CONFIGURATION_KEY, broken)
    await store.refresh()

    assert store.current is before


async def test_unchanged_snapshot_is_not_parsed_again(
    store: ConfigurationStore, redis: Redis
) -> None:
    """So assistants built from it are kept."""
    await redis.set(CONFIGURATION_KEY, make_snapshot(5))
    await store.refresh()
    before = store.current
    await store.refresh()

    assert store.current is before


async def test_redis_may_be_away_for_as_long_as_it_likes(redis_settings: RedisSettings) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # it does not listen, and nobody else can
        port = deaf.getsockname()[1]
        unreachable = connect_for_blocking_reads(
            redis_settings.model_copy(update={"redis_port": port})
        )
        stop = asyncio.Event()
        watching = asyncio.create_task(ConfigurationStore(unreachable, unreachable).watch(stop))
        ended, _ = await asyncio.wait({watching}, timeout=1.5)  # longer than redis-py's own retries
        stop.set()
        await watching
        await unreachable.aclose()

    assert not ended
