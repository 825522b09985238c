"""Events for the open chat pages."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_BACKLOG = 1000
"""Events a slow page may lag behind; then its stream ends, and the page reconnects and reloads."""

ChatEvent = tuple[str, dict[str, Any]]
"""The kind of a change that a page shows, and its data."""
EventQueue = asyncio.Queue[ChatEvent | None]
"""The events of one open page; None ends the stream."""


class EventBus:
    """Publishes events to all subscribers, in memory."""

    def __init__(self) -> None:
        self._queues: set[EventQueue] = set()

    def publish(self, kind: str, person_id: int | None, data: dict[str, Any]) -> None:
        """Send an event to all subscribers; without a person it concerns all chats."""
        for queue in self._queues:
            if queue.qsize() < MAX_BACKLOG:
                queue.put_nowait((kind, {"person_id": person_id, **data}))
            elif queue.qsize() == MAX_BACKLOG:
                queue.put_nowait(None)

    @contextmanager
    def subscribe(self) -> Iterator[EventQueue]:
        """Subscribe for the duration of the block."""
        queue: EventQueue = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            queue.put_nowait(None)
