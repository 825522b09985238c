"""What happens in the chats, as Server-Sent Events."""

import asyncio
import contextlib
import json
from typing import Any

from aiohttp import web

from sandbox.telegram.state.event_bus import Subscriber
from sandbox.telegram.telegram_state import TelegramState

HEARTBEAT_SECONDS = 15.0
"""How often a silent stream shows that it lives; a dead one is noticed then."""


async def stream_events(
    request: web.Request, state: TelegramState, person_id: int | None, after: int | None
) -> web.StreamResponse:
    """Events of one person, or of all: `hello` first, then what came after a message, then live."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    with state.event_bus.subscribe() as watcher:
        missed = _messages_since(state, person_id, after)
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n" + _format_sse("hello", {}))
        for message in missed:
            await response.write(_format_sse("message", message))
        with contextlib.suppress(ConnectionResetError):
            await _stream_live(response, watcher, person_id)
    return response


def _messages_since(
    state: TelegramState, person_id: int | None, after: int | None
) -> list[dict[str, Any]]:
    if after is None:
        return []
    people = [person.id for person in state.people.list_all() if person_id in (None, person.id)]
    return [
        message.to_json() for one in people for message in state.messages.list_after(one, after)
    ]


async def _stream_live(
    response: web.StreamResponse, watcher: Subscriber, person_id: int | None
) -> None:
    while True:
        try:
            event = await asyncio.wait_for(watcher.next(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await response.write(b": alive\n\n")
            continue
        if event is None:
            return
        if event.person_id is None or person_id in (None, event.person_id):
            await response.write(
                _format_sse(event.kind, {"person_id": event.person_id, **event.data})
            )


def _format_sse(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
