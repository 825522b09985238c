"""What happens, told at once to whoever watches; the chat pages do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BACKLOG = 1000
"""A watcher that falls further behind is sent away; it comes back and asks for everything."""


@dataclass(frozen=True)
class Event:
    """Something a page shows; without a person it concerns every chat."""

    kind: str
    person_id: int | None
    data: dict[str, Any]


class Watcher:
    """One listener's queue; None in it is the end."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event) -> None:
        """Tell it, or end it where it does not keep up."""
        if self._queue.qsize() < BACKLOG:
            self._queue.put_nowait(event)
        elif self._queue.qsize() == BACKLOG:
            self.end()

    def end(self) -> None:
        """Nothing more comes."""
        self._queue.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event, or None at the end."""
        return await self._queue.get()


class Feed:
    """Publishes to every watcher; in memory only."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        for watcher in self._watchers:
            watcher.put(event)

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Listen as long as the block lasts."""
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """The server stops."""
        for watcher in self._watchers:
            watcher.end()
