"""Serves a scripted model on the running event loop, where its answers take no real time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel


@asynccontextmanager
async def model_on_the_loop(model: ScriptedModel) -> AsyncIterator[str]:
    """The address to ask it at, on a real socket, as long as the block runs."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await _answers(model, reader, writer):
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


async def _answers(
    model: ScriptedModel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer one request; whether the connection is kept for another one."""
    _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if line)
    headers = {name.lower(): value for name, value in pairs}
    raw = await reader.readexactly(int(headers["content-length"]))
    answer = model.answer(Asked(raw, headers))
    assert answer.until is None, "a thread's event would stop the loop"
    if answer.is_missing:
        await reader.read(1)  # returns when the client leaves
        return False
    if answer.body or not answer.is_cut:
        writer.write(_head(answer) + answer.body)
        await writer.drain()
    return not answer.is_cut


def _head(answer: Answer) -> bytes:
    length = len(answer.body) + answer.is_cut
    lines = [f"HTTP/1.1 {answer.status} Scripted"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode("latin-1")
