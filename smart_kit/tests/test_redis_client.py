"""The shared client does what redis-py's own does, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, DataError, ExecAbortError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.redis import Redis, await_result, connect
from smart_kit.settings import RedisSettings
from smart_kit.testing.durable_valkey import DurableValkey


async def count_connections(client: Redis) -> int:
    return sum(entry["lib-name"] == "redis-py" for entry in await client.client_list())


async def test_ten_thousand_concurrent_commands_get_their_own_replies(redis: Redis) -> None:
    numbers = range(10_000)

    replies = await asyncio.gather(*(redis.echo(f"{number}") for number in numbers))

    assert replies == [f"{number}" for number in numbers]
    assert await count_connections(redis) == 1


async def test_blocking_read_delays_no_other_command(redis: Redis) -> None:
    blocked = asyncio.ensure_future(await_result(redis.blpop(["list"], timeout=30)))
    reading = asyncio.ensure_future(redis.xread({"stream": "$"}, block=30_000))
    await redis.set("key", "value")
    assert not blocked.done()
    while (await redis.info("clients"))["blocked_clients"] != 2:
        await asyncio.sleep(0)
    await redis.rpush("list", "element")
    await redis.xadd("stream", {"field": "1"})

    assert await blocked in (("list", "element"), ["list", "element"])
    assert await reading


async def test_client_for_blocking_reads_blocks_on_several_connections(
    redis: Redis, blocking: Redis
) -> None:
    reads = [asyncio.ensure_future(blocking.xread({"s": "$"}, block=30_000)) for _ in range(2)]
    while (await redis.info("clients"))["blocked_clients"] != 2:
        await asyncio.sleep(0)
    await redis.xadd("s", {"field": "1"})

    first, second = await asyncio.gather(*reads)
    assert first == second != []


@pytest.mark.parametrize("command", ["WATCH", "SELECT", "MULTI", b"subscribe"])
async def test_commands_that_change_the_connection_are_refused(redis: Redis, command: Any) -> None:
    with pytest.raises(DataError, match="shared connection"):
        await redis.execute_command(command, "0")
    with pytest.raises(DataError, match="shared connection"):
        async with redis.pipeline(transaction=False) as pipeline:
            await pipeline.pipeline_execute_command(command, "0").execute()


async def test_watching_pipeline_is_refused(redis: Redis) -> None:
    async with redis.pipeline() as pipeline:
        with pytest.raises(DataError, match="WATCH"):
            await pipeline.watch("key")


async def test_pipeline_returns_converted_results_and_errors(redis: Redis) -> None:
    await redis.set("text", "value")
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.hset("hash", mapping={"a": "1"})
        pipeline.lpush("text", "element")
        pipeline.hgetall("hash")
        pipeline.incr("text")
        results = await pipeline.execute(raise_on_error=False)

    assert results[0] == 1
    assert results[2] == {"a": "1"}
    assert [type(result) for result in results[1::2]] == [ResponseError, ResponseError]


async def test_error_in_a_pipeline_names_its_command(redis: Redis) -> None:
    await redis.set("text", "value")
    for is_transaction in (False, True):
        async with redis.pipeline(transaction=is_transaction) as pipeline:
            pipeline.set("other", f"{is_transaction}").lpush("text", "element")
            with pytest.raises(ResponseError, match=r"Command # 2 \(LPUSH text element\)"):
                await pipeline.execute()
        assert await redis.get("other") == f"{is_transaction}"


async def test_transaction_with_a_malformed_command_does_nothing(redis: Redis) -> None:
    async with redis.pipeline() as pipeline:
        pipeline.set("key", "value")
        pipeline.execute_command("GET")
        with pytest.raises(ResponseError, match="wrong number of arguments") as caught:
            await pipeline.execute()

    assert not isinstance(caught.value, ExecAbortError)
    assert await redis.get("key") is None


async def test_transactions_of_concurrent_callers_do_not_mix(redis: Redis) -> None:
    async def count_twice() -> list[int]:
        async with redis.pipeline() as pipeline:
            pipeline.incr("counter").incr("counter")
            return list(await pipeline.execute())

    pairs = await asyncio.gather(*(count_twice() for _ in range(100)))

    assert sorted(pairs) == [[number, number + 1] for number in range(1, 200, 2)]


async def test_empty_pipeline_sends_nothing(redis: Redis) -> None:
    async with redis.pipeline() as pipeline:
        assert await pipeline.execute() == []


async def test_scripts_run_alone_and_in_pipelines(redis: Redis) -> None:
    script = AsyncScript(redis, "return redis.call('INCRBY', KEYS[1], ARGV[1])")

    assert await script(keys=["counter"], args=[3]) == 3
    await redis.script_flush()
    async with redis.pipeline(transaction=False) as pipeline:
        await script(keys=["counter"], args=[4], client=pipeline)
        assert await pipeline.execute() == [7]


@pytest.mark.parametrize("value", ["text", "текст 🙂", b"\xff\x00", 7, 1.5])
async def test_arguments_are_encoded_as_by_redis_py(redis: Redis, value: Any) -> None:
    await redis.set("key", value)

    assert await redis.strlen("key") == len(
        value if isinstance(value, bytes) else str(value).encode()
    )


async def test_unsupported_argument_fails_only_its_command(redis: Redis) -> None:
    valid, invalid = await asyncio.gather(
        redis.set("key", "value"), redis.set("other", None), return_exceptions=True
    )

    assert valid is True
    assert isinstance(invalid, DataError)


async def test_reply_that_is_no_text_fails_only_its_command(redis: Redis) -> None:
    await redis.rpush("list", "text", b"\xff", "text")
    results = await asyncio.gather(
        redis.incr("count"),
        await_result(redis.lrange("list", 0, -1)),
        redis.incr("count"),
        return_exceptions=True,
    )

    assert isinstance(results[1], ResponseError)
    assert "not UTF-8" in str(results[1])
    assert [results[0], results[2], await redis.get("count")] == [1, 2, "2"]
    assert await count_connections(redis) == 1


async def test_client_for_blocking_reads_repeats_nothing(redis: Redis, blocking: Redis) -> None:
    reading = asyncio.ensure_future(await_result(blocking.blpop(["list"], timeout=30)))
    while not (waiting := [one for one in await redis.client_list() if "b" in one["flags"]]):
        await asyncio.sleep(0)
    await redis.client_kill_filter(_id=waiting[0]["id"])

    with pytest.raises(RedisConnectionError):
        await reading


async def test_missing_keys_of_mget_are_an_empty_result(redis: Redis) -> None:
    assert await redis.mget([]) == []


async def test_dump_returns_bytes(redis: Redis) -> None:
    await redis.set("key", "value")

    assert isinstance(await redis.dump("key"), bytes)


async def test_wrong_password_is_reported(redis_settings: RedisSettings) -> None:
    wrong = redis_settings.model_copy(update={"redis_password": None})
    async with connect(wrong) as unauthenticated:
        with pytest.raises((AuthenticationError, ResponseError)):
            await unauthenticated.get("key")


@pytest.fixture
async def durable_client(durable_valkey: DurableValkey) -> AsyncIterator[Redis]:
    async with connect(durable_valkey.settings) as client:
        yield client


async def test_client_reconnects_to_a_restarted_server(
    durable_valkey: DurableValkey, durable_client: Redis
) -> None:
    await durable_client.set("key", "value")
    durable_valkey.kill()
    durable_valkey.start()

    assert await asyncio.gather(*(durable_client.get("key") for _ in range(5))) == ["value"] * 5
    assert await count_connections(durable_client) == 1


async def test_closed_client_connects_again(redis: Redis) -> None:
    await redis.set("key", "value")
    await redis.aclose()

    assert await redis.get("key") == "value"


async def test_database_number_is_selected(redis: Redis, redis_settings: RedisSettings) -> None:
    async with connect(redis_settings.model_copy(update={"redis_db": 3})) as other:
        await other.set("elsewhere", "1")
        assert await redis.get("elsewhere") is None
        await other.delete("elsewhere")
