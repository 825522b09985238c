"""In-process cache with a time to live, a maximum size, and one load at a time for each key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class TtlCache(Generic[KeyT, ValueT]):
    """Drops the oldest entry when full. Errors and empty values are not stored."""

    def __init__(
        self, ttl_seconds: float, max_entries: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._max_entries = max_entries
        self._clock = clock
        self._entries: dict[KeyT, tuple[float, ValueT]] = {}
        self._locks: WeakValueDictionary[KeyT, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: KeyT, load: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Return the stored value, else load it; parallel calls for one key share one load."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key in self._entries and self._clock() < self._entries[key][0]:
                return self._entries[key][1]
            value = await load()
            if value:
                self._entries.pop(key, None)
                if len(self._entries) >= self._max_entries:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = (self._clock() + self._ttl_seconds, value)
            return value
