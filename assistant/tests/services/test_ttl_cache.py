"""Which values the cache stores, for how long, and how many."""

import asyncio

import pytest

from assistant.src.services.open_meteo import TtlCache


class CountingSource:
    """Records each load."""

    def __init__(self) -> None:
        self.computed_keys: list[str] = []
        self.now = 0.0
        self.cache: TtlCache[str, str] = TtlCache(60, 2, clock=lambda: self.now)

    async def get(self, key: str, value: str = "value") -> str:
        async def make() -> str:
            self.computed_keys.append(key)
            await asyncio.sleep(0)
            return value

        return await self.cache.get_or_load(key, make)


async def test_value_is_loaded_once_until_it_expires() -> None:
    source = CountingSource()
    assert [await source.get("a"), await source.get("a", "other")] == ["value", "value"]
    source.now = 60

    assert await source.get("a", "new") == "new"
    assert source.computed_keys == ["a", "a"]


async def test_concurrent_readers_share_one_load() -> None:
    source = CountingSource()
    await asyncio.gather(*(source.get(key) for key in "abab"))

    assert sorted(source.computed_keys) == ["a", "b"]


async def test_full_cache_drops_the_oldest_entry() -> None:
    source = CountingSource()
    for key in "abca":
        await source.get(key)

    assert source.computed_keys == ["a", "b", "c", "a"]
    await source.get("c")
    assert source.computed_keys[4:] == []


async def test_errors_and_empty_values_are_not_cached() -> None:
    source = CountingSource()

    async def fail() -> str:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await source.cache.get_or_load("a", fail)
    assert await source.get("a", "") == ""
    assert await source.get("a") == "value"


async def test_cancelled_reader_does_not_affect_the_others() -> None:
    source = CountingSource()
    first, second = (asyncio.create_task(source.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "value"
