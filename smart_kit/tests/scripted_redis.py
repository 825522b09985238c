"""A Redis server that answers as a test prescribes, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import hiredis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from smart_kit.redis.client import SharedRedis
from smart_kit.testing.ports import LOCALHOST

HANDSHAKE = frozenset((b"HELLO", b"CLIENT", b"AUTH", b"SELECT"))


class ServerConnection:
    """One connection of a client to the scripted server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.chunk_count = 0
        self._reader = reader
        self._writer = writer
        self._parser = hiredis.Reader(notEnoughData=...)

    async def read_command(self) -> list[bytes]:
        """Return the next command after the handshake. Raises EOFError at the end."""
        while True:
            while (command := self._parser.gets()) is ...:
                data = await self._reader.read(65536)
                if not data:
                    raise EOFError
                self.chunk_count += 1
                self._parser.feed(data)
            if command[0] not in HANDSHAKE:
                return list(command)
            await self.send(b"%0\r\n" if command[0] == b"HELLO" else b"+OK\r\n")

    async def read_all(self) -> list[list[bytes]]:
        """Return the commands until the client closes the connection."""
        commands = []
        try:
            while True:
                commands.append(await self.read_command())
        except (EOFError, ConnectionResetError):
            return commands

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Break the connection, which the client sees as a reset."""
        self._writer.transport.abort()


Script = Callable[[ServerConnection], Awaitable[None]]
"""Serves one connection; it is closed afterwards."""


@asynccontextmanager
async def serve_redis(
    *scripts: Script, reply_timeout: float = 30.0, retries: int = 3, **options: object
) -> AsyncIterator[SharedRedis]:
    """Provide a client of a server that serves its connections by the scripts, in order.

    The last script serves all further connections, too. The first error of a script is raised.
    """
    count = 0
    serving: set[asyncio.Task[None]] = set()
    errors: list[BaseException] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        script = scripts[min(count, len(scripts) - 1)]
        count += 1
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await script(ServerConnection(reader, writer))
        except (EOFError, ConnectionError):
            pass  # the client is gone
        except Exception as error:
            errors.append(error)
        finally:
            writer.close()
            serving.discard(task)

    server = await asyncio.start_server(accept, LOCALHOST, 0)
    client = SharedRedis(
        host=LOCALHOST,
        port=server.sockets[0].getsockname()[1],
        decode_responses=True,
        socket_timeout=reply_timeout,
        socket_connect_timeout=30.0,
        retry=Retry(ConstantBackoff(0.01), retries),
        **options,
    )
    try:
        yield client
    finally:
        await client.aclose()
        server.close()
        while serving:
            await asyncio.wait(serving)
    if errors:
        raise errors[0]


async def echo_arguments(connection: ServerConnection) -> None:
    """A script: answer each command with its last argument."""
    while True:
        (*_, value) = await connection.read_command()
        await connection.send(b"$%d\r\n%s\r\n" % (len(value), value))
