"""Answers that are worth keeping for a while, in this process and within a bound."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Cache(Generic[KeyT, ValueT]):
    """Full, it drops what was made first. Errors and what is empty are not kept."""

    def __init__(
        self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: dict[KeyT, tuple[float, ValueT]] = {}
        self._locks: WeakValueDictionary[KeyT, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: KeyT, make: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """The kept value, else a new one; who asks for the same meanwhile waits for it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key in self._kept and self._clock() < self._kept[key][0]:
                return self._kept[key][1]
            value = await make()
            if value:
                self._keep(key, value)
            return value

    def _keep(self, key: KeyT, value: ValueT) -> None:
        self._kept.pop(key, None)
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._clock() + self._seconds, value)
