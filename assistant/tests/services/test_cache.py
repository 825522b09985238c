"""What is kept, for how long, and how much of it."""

import asyncio

import pytest

from assistant.src.services.cache import Cache


class Source:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0
        self.cache: Cache[str, str] = Cache(60, 2, clock=lambda: self.now)

    async def of(self, key: str, value: str = "value") -> str:
        async def make() -> str:
            self.asked.append(key)
            await asyncio.sleep(0)
            return value

        return await self.cache.get(key, make)


async def test_a_value_is_made_once_and_again_when_its_time_is_over() -> None:
    source = Source()
    assert [await source.of("a"), await source.of("a", "other")] == ["value", "value"]
    source.now = 60

    assert await source.of("a", "new") == "new"
    assert source.asked == ["a", "a"]


async def test_who_asks_meanwhile_waits_for_the_same_value() -> None:
    source = Source()
    await asyncio.gather(*(source.of(key) for key in "abab"))

    assert sorted(source.asked) == ["a", "b"]


async def test_full_it_drops_what_was_made_first() -> None:
    source = Source()
    for key in "abca":
        await source.of(key)

    assert source.asked == ["a", "b", "c", "a"]
    await source.of("c")
    assert source.asked[4:] == []


async def test_an_error_and_an_empty_value_are_not_kept() -> None:
    source = Source()

    async def fail() -> str:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await source.cache.get("a", fail)
    assert await source.of("a", "") == ""
    assert await source.of("a") == "value"


async def test_who_gives_up_waiting_leaves_the_others_their_value() -> None:
    source = Source()
    first, second = (asyncio.create_task(source.of("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "value"
