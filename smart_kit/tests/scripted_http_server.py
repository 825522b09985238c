"""A server on this machine that answers requests with scripted bytes, or breaks the connection."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class ScriptedHttpServer:
    """Gives the answers in order, then always the last one, and records the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.url = ""
        self.connection_count = 0
        self.requests: list[str] = []
        self._answers = list(answers)

    async def handle_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connection_count += 1
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.requests.append((head + body).decode())
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                await answer(writer)


@asynccontextmanager
async def run_scripted_server(
    *answers: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedHttpServer]:
    scripted = ScriptedHttpServer(*answers)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(scripted.handle_connection(reader, writer))
        connections.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    scripted.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield scripted
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def respond(body: str, status: str = "200 OK", headers: str = "") -> Answer:
    """Answer with a complete response; `headers` are lines with their ends."""
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return send(head + body)


def send(text: str) -> Answer:
    """Send these bytes and keep the connection open."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        await writer.drain()

    return answer


def send_and_close(text: str) -> Answer:
    """Send these bytes and close the connection."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text.encode())
        writer.close()

    return answer


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection, as a killed server's machine does."""
    linger = struct.pack("ii", 1, 0)  # closing sends RST and not FIN
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
