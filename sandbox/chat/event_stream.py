"""The chat page's live updates, as Server-Sent Events."""

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import web

from sandbox.telegram.state.event_bus import EventBus, EventQueue

HEARTBEAT_SECONDS = 15.0
"""Seconds without an event before a comment is sent; writing to a dead connection ends it."""


async def stream_events(request: web.Request, event_bus: EventBus) -> web.StreamResponse:
    """Send `hello`, then the events of all chats until the client leaves or the server stops."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    with event_bus.subscribe() as queue:
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n" + _format_sse("hello", {}))
        with contextlib.suppress(ConnectionResetError):
            await _forward_events(queue, response)
    return response


async def _forward_events(queue: EventQueue, response: web.StreamResponse) -> None:
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await response.write(b": alive\n\n")
            continue
        if event is None:
            return
        await response.write(_format_sse(*event))


def _format_sse(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
