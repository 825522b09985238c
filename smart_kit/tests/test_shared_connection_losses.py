"""Commands whose connection or caller ends at the worst moment, on a scripted server."""

import asyncio
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smart_kit.redis.shared_connection import SharedConnection
from smart_kit.tests.scripted_redis import ServerConnection, echo_arguments, serve_redis

PATIENCE_SECONDS = 30.0


async def test_command_is_repeated_if_its_connection_is_lost_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the handshake and the command, other tasks run."""
    open_once, opened = SharedConnection._open_once, 0

    async def open_and_lose_the_first(self: SharedConnection) -> Any:
        nonlocal opened
        link = await open_once(self)
        opened += 1
        if opened == 1:
            link._fail(RedisConnectionError("lost"))
        return link

    monkeypatch.setattr(SharedConnection, "_open_once", open_and_lose_the_first)
    async with serve_redis(echo_arguments) as client, asyncio.timeout(PATIENCE_SECONDS):
        assert await client.get("key") == "key"

    assert opened == 2


async def test_command_is_repeated_if_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    send, failures = AbstractConnection.send_packed_command, [RedisConnectionError("lost")]

    async def fail_once(self: AbstractConnection, command: Any, check_health: bool = True) -> None:
        if b"key" in b"".join(command) and failures:
            raise failures.pop()
        await send(self, command, check_health)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", fail_once)
    async with serve_redis(echo_arguments) as client, asyncio.timeout(PATIENCE_SECONDS):
        assert await client.get("key") == "key"

    assert not failures


async def test_lost_connection_fails_no_cancelled_command() -> None:
    is_read, may_reset = asyncio.Event(), asyncio.Event()

    async def reset(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.read_command()
        is_read.set()
        await may_reset.wait()
        connection.reset()

    async with serve_redis(reset, echo_arguments) as client, asyncio.timeout(PATIENCE_SECONDS):
        dropped, kept = (asyncio.ensure_future(client.get(name)) for name in ("dropped", "kept"))
        await is_read.wait()
        dropped.cancel()
        may_reset.set()
        assert await kept == "kept"

    assert dropped.cancelled()


async def test_only_command_cancelled_before_it_was_written_is_not_sent() -> None:
    received: list[list[bytes]] = []

    async def record(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"+ready\r\n")
        received.append(await connection.read_command())
        await connection.send(b"+later\r\n")

    async with serve_redis(record) as client, asyncio.timeout(PATIENCE_SECONDS):
        await client.echo("connect")
        dropped = asyncio.ensure_future(client.get("dropped"))
        await asyncio.sleep(0)  # it is issued now, and the writer runs next
        dropped.cancel()
        await asyncio.wait({dropped})
        assert await client.get("later") == "later"

    assert received == [[b"GET", b"later"]]


async def test_next_command_connects_if_connecting_was_cancelled() -> None:
    is_accepted, may_end = asyncio.Event(), asyncio.Event()

    async def keep_silent(_: ServerConnection) -> None:
        is_accepted.set()
        await may_end.wait()

    async with serve_redis(keep_silent, echo_arguments) as client:
        stopped = asyncio.ensure_future(client.get("stopped"))
        await is_accepted.wait()
        opening = client._shared_connection._opening
        assert opening is not None
        opening.cancel()
        await asyncio.wait({stopped})
        assert await client.get("key") == "key"
        may_end.set()

    assert stopped.cancelled()


@pytest.mark.clock("virtual")
async def test_idle_connection_outlives_the_time_of_a_reply() -> None:
    async with serve_redis(echo_arguments, reply_timeout=30.0, retries=0) as client:
        await client.get("first")
        link = client._shared_connection._link
        await asyncio.sleep(60)
        assert await client.get("second") == "second"
        assert client._shared_connection._link is link


async def test_failed_execution_of_a_transaction_is_raised() -> None:
    async def refuse(connection: ServerConnection) -> None:
        for reply in (b"+OK\r\n", b"+QUEUED\r\n", b"-NOREPLICAS too few\r\n"):
            await connection.read_command()
            await connection.send(reply)

    async with serve_redis(refuse) as client, client.pipeline() as pipeline:
        with pytest.raises(ResponseError, match="too few"):
            await pipeline.set("key", "value").execute()
