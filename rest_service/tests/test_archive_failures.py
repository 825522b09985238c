"""Records that cannot be stored, temporarily or permanently; consumers that die."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from rest_service.app.archive.record_store import store_records
from rest_service.app.background import archive_consumer
from rest_service.app.background.archive_consumer import DEAD_LETTER_STREAM, GROUP, ArchiveConsumer
from rest_service.app.database import SessionFactory
from rest_service.tests.api_helpers import Client, Sql, list_items
from rest_service.tests.lock_waits import terminate_waiting_sessions, wait_for_lock
from rest_service.tests.turn_records import add_records, is_stream_empty, make_turn_record
from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.redis import Redis


class TestFailures:
    @pytest.mark.parametrize(
        ("record", "reason"),
        [
            ("no json", "ValidationError"),
            ('{"kind": "unheard_of"}', "ValidationError"),
            (make_turn_record("x" * 300).model_dump_json(), "DBAPIError 22001"),
            (make_turn_record(configuration_version=2**40).model_dump_json(), "DBAPIError"),
        ],
    )
    async def test_unstorable_record_is_dead_lettered_with_reason(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, record: str, reason: str
    ) -> None:
        await add_records(redis, record, make_turn_record())

        await archive_reader.run_once(0.01)

        ((_, dead),) = await redis.xrange(DEAD_LETTER_STREAM)
        assert dead["record"] == record
        assert dead["reason"].startswith(reason)
        assert len(await list_items(admin, "/turns")) == 1, "the next one is stored"
        assert await is_stream_empty(redis)

    async def test_postgres_outage_loses_no_records(
        self,
        archive_reader: ArchiveConsumer,
        monkeypatch: pytest.MonkeyPatch,
        redis: Redis,
        admin: Client,
    ) -> None:
        await add_records(redis, make_turn_record("tg:1:1"), make_turn_record("tg:1:2"))
        with monkeypatch.context() as outage:
            outage.setattr(AsyncEngine, "begin", Mock(side_effect=ConnectionRefusedError))
            with pytest.raises(ConnectionRefusedError):
                await archive_reader.run_once(0.01)
        assert await redis.xlen(TURNS_STREAM) == 2

        await archive_reader.run_once(0.01)

        assert len(await list_items(admin, "/turns")) == 2
        assert await redis.xlen(DEAD_LETTER_STREAM) == 0
        assert await is_stream_empty(redis)

    async def test_batch_that_takes_too_long_is_stored_in_parts(
        self,
        archive_reader: ArchiveConsumer,
        monkeypatch: pytest.MonkeyPatch,
        redis: Redis,
        admin: Client,
    ) -> None:
        sizes: list[int] = []

        async def store_few(connection: Any, records: Sequence[Any]) -> Any:
            sizes.append(len(records))
            if len(records) > 2:
                raise TimeoutError  # as a statement that reaches the time limit
            return await store_records(connection, records)

        monkeypatch.setattr(archive_consumer, "store_records", store_few)
        await add_records(redis, *(make_turn_record(f"tg:1:{number}") for number in range(5)))

        for _ in range(5):
            with suppress(TimeoutError):
                await archive_reader.run_once(0.01)

        assert sizes == [5, 2, 3, 1, 2]
        assert len(await list_items(admin, "/turns")) == 5
        assert await is_stream_empty(redis)

    async def test_hanging_postgres_loses_no_records(
        self,
        archive_reader: ArchiveConsumer,
        engine: AsyncEngine,
        sessions: SessionFactory,
        redis: Redis,
        blocking: Redis,
        admin: Client,
    ) -> None:
        await add_records(redis, make_turn_record("tg:1:1"), make_turn_record("tg:1:2"))
        impatient = create_async_engine(engine.url, connect_args={"command_timeout": 0.2})
        try:
            async with sessions.begin() as session:
                await session.exec(text("LOCK TABLE turns"))
                with pytest.raises(TimeoutError):
                    await ArchiveConsumer(impatient, redis, blocking).run_once(0.01)
        finally:
            await impatient.dispose()
        assert await redis.xlen(DEAD_LETTER_STREAM) == 0
        assert await redis.xlen(TURNS_STREAM) == 2
        ids = [entry for entry, _ in await redis.xrange(TURNS_STREAM)]
        await redis.xclaim(TURNS_STREAM, GROUP, "dead", 0, ids, idle=60_000, justid=True)

        for _ in range(2):
            await archive_reader.run_once(0.01)

        assert len(await list_items(admin, "/turns")) == 2
        assert await is_stream_empty(redis)

    async def test_turn_of_terminated_transaction_is_stored_on_retry(
        self,
        archive_reader: ArchiveConsumer,
        sessions: SessionFactory,
        redis: Redis,
        admin: Client,
        sql: Sql,
    ) -> None:
        await add_records(redis, make_turn_record())
        async with sessions.begin() as session:
            await session.exec(text("LOCK TABLE turns"))
            step = asyncio.create_task(archive_reader.run_once(0.01))
            await wait_for_lock(sql, step)
            await terminate_waiting_sessions(sql)
            with pytest.raises(DBAPIError):
                await step
        assert await redis.xlen(DEAD_LETTER_STREAM) == 0

        await archive_reader.run_once(0.01)

        assert len(await list_items(admin, "/turns")) == 1
        assert await is_stream_empty(redis)

    async def test_records_of_a_dead_consumer_are_taken_over(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        await redis.xgroup_create(TURNS_STREAM, GROUP, id="0", mkstream=True)
        for number in range(250):
            await add_records(redis, make_turn_record(f"tg:1:{number}", items=()))
        await redis.xreadgroup(GROUP, "dead", {TURNS_STREAM: ">"})
        entries = [entry for entry, _ in await redis.xrange(TURNS_STREAM)]
        await redis.xclaim(TURNS_STREAM, GROUP, "dead", 0, entries, idle=60_000, justid=True)

        for _ in range(5):
            await archive_reader.run_once(0.01)
        assert await is_stream_empty(redis)

        assert (await admin.get("/turns")).json()["total"] == 250

    async def test_silent_consumer_without_records_is_removed(
        self, archive_reader: ArchiveConsumer, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive_consumer, "CONSUMER_EXPIRY_MS", -1)
        await redis.xgroup_create(TURNS_STREAM, GROUP, id="0", mkstream=True)
        await add_records(redis, make_turn_record())
        await redis.xreadgroup(GROUP, "busy", {TURNS_STREAM: ">"})
        await redis.xgroup_createconsumer(TURNS_STREAM, GROUP, "gone")

        await archive_reader.run_once(0.01)

        found = {one["name"] for one in await redis.xinfo_consumers(TURNS_STREAM, GROUP)}
        assert "busy" in found
        assert "gone" not in found

    async def test_records_of_a_live_consumer_are_left_alone(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        await redis.xgroup_create(TURNS_STREAM, GROUP, id="0", mkstream=True)
        await add_records(redis, make_turn_record())
        await redis.xreadgroup(GROUP, "alive", {TURNS_STREAM: ">"})

        await archive_reader.run_once(0.01)

        assert await list_items(admin, "/turns") == []
        assert (await redis.xpending(TURNS_STREAM, GROUP))["pending"] == 1


async def test_consumer_survives_flush_and_stops_on_stop_event(
    archive_reader: ArchiveConsumer, redis: Redis, admin: Client
) -> None:
    stop = asyncio.Event()
    running = asyncio.ensure_future(archive_reader.run(stop))

    async def wait_for_turns(count: int) -> None:
        async with asyncio.timeout(60):
            while len(await list_items(admin, "/turns")) < count:
                await asyncio.sleep(0.02)

    await add_records(redis, make_turn_record("tg:1:1"))
    await wait_for_turns(1)
    await redis.flushdb()
    await add_records(redis, make_turn_record("tg:1:2"))
    await wait_for_turns(2)
    stop.set()
    await asyncio.wait_for(running, 60)
