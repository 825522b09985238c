"""A scripted server shows what the shared connection does when Redis or the network misbehaves."""

import asyncio
from contextlib import suppress

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from smart_kit.testing.ports import free_port
from smart_kit.tests.scripted_redis import ServerConnection, echo_arguments, serve_redis

PATIENCE_SECONDS = 30.0


async def test_commands_of_one_iteration_leave_in_one_write() -> None:
    chunk_counts = []

    async def serve(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"+ready\r\n")
        before = connection.chunk_count
        for _ in range(50):
            await connection.read_command()
        chunk_counts.append(connection.chunk_count - before)
        await connection.send(b":1\r\n" * 50)

    async with serve_redis(serve) as client:
        await client.echo("connect")
        await asyncio.gather(*(client.incr(f"key {number}") for number in range(50)))

    assert chunk_counts == [1]


async def test_replies_split_at_every_byte_are_joined() -> None:
    async def serve(connection: ServerConnection) -> None:
        for _ in range(3):
            await connection.read_command()
        for byte in b"$5\r\nfirst\r\n-ERR second\r\n*2\r\n$1\r\na\r\n:3\r\n":
            await connection.send(bytes([byte]))

    async with serve_redis(serve) as client:
        first, second, third = await asyncio.gather(
            client.get("1"), client.get("2"), client.lrange("3", 0, -1), return_exceptions=True
        )

    assert first == "first"
    assert isinstance(second, ResponseError)
    assert str(second) == "second"
    assert third == ["a", 3]


async def test_commands_cut_off_in_a_reply_are_repeated() -> None:
    async def cut(connection: ServerConnection) -> None:
        for _ in range(3):
            await connection.read_command()
        await connection.send(b"$1\r\na\r\n$10\r\nonly ha")

    async with serve_redis(cut, echo_arguments) as client:
        replies = await asyncio.gather(*(client.get(name) for name in "abc"))

    assert replies == ["a", "b", "c"]


async def test_commands_are_repeated_after_a_reset() -> None:
    async def reset(connection: ServerConnection) -> None:
        await connection.read_command()
        connection.reset()

    async with serve_redis(reset, echo_arguments) as client:
        assert await asyncio.gather(client.get("a"), client.get("b")) == ["a", "b"]


async def test_connection_that_is_lost_each_time_raises_a_connection_error() -> None:
    attempts = 0

    async def lose(connection: ServerConnection) -> None:
        nonlocal attempts
        await connection.read_command()
        attempts += 1

    async with serve_redis(lose, retries=2) as client:
        with pytest.raises(RedisConnectionError):
            await client.get("key")

    assert attempts == 3


async def test_loading_server_is_asked_again_on_a_new_connection() -> None:
    async def load(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"-LOADING Redis is loading the dataset in memory\r\n")
        await connection.read_all()

    async with serve_redis(load, load, echo_arguments) as client:
        assert await client.get("key") == "key"


async def test_busy_server_fails_only_the_refused_command() -> None:
    async def refuse_one(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"-BUSY Redis is busy running a script\r\n")
        await echo_arguments(connection)

    async with serve_redis(refuse_one) as client:
        refused, answered = await asyncio.gather(
            client.get("refused"), client.get("answered"), return_exceptions=True
        )

    assert isinstance(refused, ResponseError)
    assert answered == "answered"


@pytest.mark.clock("virtual")
async def test_missing_reply_raises_a_timeout_error_after_its_time() -> None:
    async def keep_silent(connection: ServerConnection) -> None:
        await connection.read_all()

    async with serve_redis(keep_silent, reply_timeout=5.0, retries=0) as client:
        started = asyncio.get_running_loop().time()
        with pytest.raises(RedisTimeoutError):
            await client.get("key")
        assert asyncio.get_running_loop().time() - started == pytest.approx(5.0, abs=0.1)


@pytest.mark.clock("virtual")
async def test_reply_after_the_timeout_goes_to_no_later_command() -> None:
    async def answer_late(connection: ServerConnection) -> None:
        await connection.read_command()
        await asyncio.sleep(6.0)
        with suppress(ConnectionError):
            await connection.send(b"$4\r\nlate\r\n")

    async with serve_redis(answer_late, echo_arguments, reply_timeout=5.0, retries=0) as client:
        with pytest.raises(RedisTimeoutError):
            await client.get("first")
        assert await client.get("second") == "second"


@pytest.mark.clock("virtual")
async def test_command_behind_slow_replies_does_not_time_out() -> None:
    async def answer_slowly(connection: ServerConnection) -> None:
        for _ in range(4):
            await connection.read_command()
        for number in range(4):
            await asyncio.sleep(3.0)
            await connection.send(b":%d\r\n" % number)

    async with serve_redis(answer_slowly, reply_timeout=5.0, retries=0) as client:
        replies = await asyncio.gather(*(client.incr("key") for _ in range(4)))

    assert replies == [0, 1, 2, 3]


async def test_protocol_error_fails_all_commands_with_a_connection_error() -> None:
    async def send_garbage(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.read_command()
        await connection.send(b"?what\r\n")
        await connection.read_all()

    async with serve_redis(send_garbage, retries=0) as client:
        errors = await asyncio.gather(client.get("a"), client.get("b"), return_exceptions=True)

    assert [type(error) for error in errors] == [RedisConnectionError] * 2
    assert errors[0] is not errors[1]  # a shared error collects the tracebacks of all callers


async def test_surplus_reply_goes_to_no_later_command() -> None:
    async def send_too_much(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"+first\r\n+surplus\r\n")
        await connection.read_all()

    async with serve_redis(send_too_much, echo_arguments, reply_timeout=5.0, retries=0) as client:
        assert await client.echo("first") == "first"
        assert await client.echo("second") == "second"


async def test_huge_reply_arrives_whole_before_the_next() -> None:
    size = 32 * 1024 * 1024

    async def serve(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.read_command()
        await connection.send(b"$%d\r\n%s\r\n$4\r\nnext\r\n" % (size, b"x" * size))

    async with serve_redis(serve) as client:
        huge, after = await asyncio.gather(client.get("huge"), client.get("next"))

    assert huge == "x" * size
    assert after == "next"


async def test_cancelled_commands_leave_replies_to_their_own_callers() -> None:
    is_read, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_later(connection: ServerConnection) -> None:
        names = [(await connection.read_command())[-1] for _ in range(10)]
        is_read.set()
        await may_answer.wait()
        for name in names:
            await connection.send(b"$%d\r\n%s\r\n" % (len(name), name))
        await echo_arguments(connection)

    async with serve_redis(answer_later) as client:
        tasks = [asyncio.ensure_future(client.get(f"{number}")) for number in range(10)]
        await is_read.wait()
        for number in (7, 0, 3, 9):  # not in the order of their replies
            tasks[number].cancel()
        await asyncio.gather(tasks[7], tasks[0], tasks[3], tasks[9], return_exceptions=True)
        may_answer.set()
        kept = [number for number in range(10) if number not in (7, 0, 3, 9)]
        replies = await asyncio.gather(*(tasks[number] for number in kept))
        after = await client.get("after")

    assert replies == [str(number) for number in kept]
    assert after == "after"


async def test_command_cancelled_before_it_was_written_is_not_sent() -> None:
    received: list[list[bytes]] = []

    async def record(connection: ServerConnection) -> None:
        received.append(await connection.read_command())
        await connection.send(b"+ready\r\n")
        received.append(await connection.read_command())
        await connection.send(b"+done\r\n")

    async with serve_redis(record) as client:
        await client.echo("connect")
        dropped = asyncio.ensure_future(client.get("dropped"))
        kept = asyncio.ensure_future(client.get("kept"))
        await asyncio.sleep(0)  # both are issued and none is written
        dropped.cancel()
        assert await kept == "done"

    assert received == [[b"ECHO", b"connect"], [b"GET", b"kept"]]
    assert dropped.cancelled()


async def test_cancelled_caller_leaves_connecting_to_the_others() -> None:
    may_greet = asyncio.Event()

    async def greet_later(connection: ServerConnection) -> None:
        await may_greet.wait()
        await echo_arguments(connection)

    async with serve_redis(greet_later) as client:
        first = asyncio.ensure_future(client.get("first"))
        second = asyncio.ensure_future(client.get("second"))
        await asyncio.sleep(0.01)
        first.cancel()
        may_greet.set()
        assert await second == "second"

    assert first.cancelled()


@pytest.mark.clock("virtual")
async def test_silent_handshake_raises_a_timeout_error() -> None:
    async def keep_silent(connection: ServerConnection) -> None:
        await asyncio.sleep(PATIENCE_SECONDS * 2)

    async with serve_redis(keep_silent, retries=0) as client:
        with pytest.raises(RedisTimeoutError, match="connecting"):
            await client.get("key")


async def test_close_waits_for_the_replies_of_running_commands() -> None:
    is_read, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_later(connection: ServerConnection) -> None:
        await connection.read_command()
        is_read.set()
        await may_answer.wait()
        await connection.send(b"+done\r\n")
        await connection.read_all()

    async with serve_redis(answer_later, retries=0) as client:
        running = asyncio.ensure_future(client.get("key"))
        await is_read.wait()
        closing = asyncio.ensure_future(client.aclose())
        await asyncio.sleep(0)
        assert not closing.done()
        may_answer.set()
        await closing
        assert await running == "done"


async def test_resp2_replies_are_understood() -> None:
    async def serve(connection: ServerConnection) -> None:
        await connection.read_command()
        await connection.send(b"*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n")

    async with serve_redis(serve, protocol=2) as client:
        assert await client.hgetall("hash") == {"a": "1", "b": "2"}


async def test_close_while_connecting_leaves_nothing_open() -> None:
    is_greeted, may_answer = asyncio.Event(), asyncio.Event()
    received: list[list[bytes]] = []

    async def greet_later(connection: ServerConnection) -> None:
        is_greeted.set()
        await may_answer.wait()
        received.extend(await connection.read_all())

    async with serve_redis(greet_later, retries=0) as client:
        waiting = asyncio.ensure_future(client.get("key"))
        await is_greeted.wait()
        waiting.cancel()
        closing = asyncio.ensure_future(client.aclose())
        may_answer.set()
        await closing

    assert waiting.cancelled()
    assert received == []


async def test_refused_connection_raises_a_connection_error() -> None:
    async with serve_redis(echo_arguments, retries=1) as client:
        client.connection_pool.connection_kwargs["port"] = free_port()
        with pytest.raises(RedisConnectionError):
            await client.get("key")
