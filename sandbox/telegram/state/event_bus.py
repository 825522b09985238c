"""Events for the open chat pages."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MAX_BACKLOG = 1000
"""Events a slow page may lag behind; then its stream ends, and the page reconnects and reloads."""


@dataclass(frozen=True)
class ChatEvent:
    """A change that a page shows; without a person it concerns all chats."""

    kind: str
    person_id: int | None
    data: dict[str, Any]


class Subscriber:
    """The event queue of one open page; None in it ends the stream."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ChatEvent | None] = asyncio.Queue()

    def put(self, event: ChatEvent) -> None:
        """Queue an event, or end the stream where the page does not keep up."""
        if self._queue.qsize() < MAX_BACKLOG:
            self._queue.put_nowait(event)
        elif self._queue.qsize() == MAX_BACKLOG:
            self.close()

    def close(self) -> None:
        """End the stream."""
        self._queue.put_nowait(None)

    async def next(self) -> ChatEvent | None:
        """Return the next event, or None at the end."""
        return await self._queue.get()


class EventBus:
    """Publishes events to all subscribers, in memory."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    def publish(self, event: ChatEvent) -> None:
        """Send an event to all subscribers."""
        for subscriber in self._subscribers:
            subscriber.put(event)

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Subscribe for the duration of the block."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End all streams."""
        for subscriber in self._subscribers:
            subscriber.close()
