"""When servers for tests count as ready."""

import asyncio
import struct
from functools import partial

import pytest

from smart_kit.testing.servers import is_accepting_connections

STARTING_UP_CODE, PASSWORD_REQUIRED_CODE = b"57P03", b"28P01"
"""PostgreSQL's error codes."""


@pytest.mark.local
@pytest.mark.parametrize(
    ("code", "is_ready"), [(STARTING_UP_CODE, False), (PASSWORD_REQUIRED_CODE, True)]
)
async def test_postgres_is_ready_after_its_start(code: bytes, is_ready: bool) -> None:
    server = await asyncio.start_server(partial(send_error_response, code), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(is_accepting_connections, port) is is_ready


async def send_error_response(
    code: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer a client's request for a session with PostgreSQL's ErrorResponse."""
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    await reader.readexactly(length - 4)
    fields = b"".join(b"%b\0" % field for field in (b"SFATAL", b"C" + code, b"Mno session", b""))
    writer.write(b"E" + struct.pack("!i", 4 + len(fields)) + fields)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
