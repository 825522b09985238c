"""Serves a scripted model on the running event loop, where responses take no real time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smart_kit.testing.scripted_model import RecordedRequest, ScriptedModel, ScriptedResponse


@asynccontextmanager
async def serve_model(model: ScriptedModel) -> AsyncIterator[str]:
    """Yield the URL of the model, on a real socket, as long as the block runs."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await _handle_request(model, reader, writer):
                pass
        writer.close()
        connections.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for writer in connections:
            writer.close()
        await server.wait_closed()


async def _handle_request(
    model: ScriptedModel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Respond to one request; return whether the connection stays open."""
    _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if line)
    headers = {name.lower(): value for name, value in pairs}
    raw = await reader.readexactly(int(headers["content-length"]))
    answer = model.respond(RecordedRequest(raw, headers))
    assert answer.release_event is None, "a thread's event would stop the loop"
    if answer.is_hanging:
        await reader.read(1)  # returns when the client leaves
        return False
    if answer.body or not answer.is_truncated:
        writer.write(_render_head(answer) + answer.body)
        await writer.drain()
    return not answer.is_truncated


def _render_head(answer: ScriptedResponse) -> bytes:
    length = len(answer.body) + answer.is_truncated
    lines = [f"HTTP/1.1 {answer.status} Scripted"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode("latin-1")
