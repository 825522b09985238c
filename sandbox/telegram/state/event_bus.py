"""What happens, told at once to whoever watches; the chat pages do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MAX_BACKLOG = 1000
"""A watcher that falls further behind is sent away; it comes back and asks for everything."""


@dataclass(frozen=True)
class ChatEvent:
    """Something a page shows; without a person it concerns every chat."""

    kind: str
    person_id: int | None
    data: dict[str, Any]


class Subscriber:
    """One listener's queue; None in it is the end."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ChatEvent | None] = asyncio.Queue()

    def put(self, event: ChatEvent) -> None:
        """Tell it, or end it where it does not keep up."""
        if self._queue.qsize() < MAX_BACKLOG:
            self._queue.put_nowait(event)
        elif self._queue.qsize() == MAX_BACKLOG:
            self.close()

    def close(self) -> None:
        """Nothing more comes."""
        self._queue.put_nowait(None)

    async def next(self) -> ChatEvent | None:
        """The next event, or None at the end."""
        return await self._queue.get()


class EventBus:
    """Publishes to every watcher; in memory only."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    def publish(self, event: ChatEvent) -> None:
        """Tell everybody."""
        for watcher in self._subscribers:
            watcher.put(event)

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Listen as long as the block lasts."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """The server stops."""
        for watcher in self._subscribers:
            watcher.close()
