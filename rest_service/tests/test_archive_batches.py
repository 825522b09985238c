"""Archiving several records at once: how they are gathered, stored together and locked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app.archive.record_store import store_records
from rest_service.app.background import archive_consumer
from rest_service.app.background.archive_consumer import DEAD_LETTER_STREAM, GROUP, ArchiveConsumer
from rest_service.app.database import SessionFactory
from rest_service.tests.api_helpers import Client, Make, Sql, list_items
from rest_service.tests.lock_waits import wait_for_lock
from rest_service.tests.turn_records import (
    ITEMS,
    MONDAY,
    add_records,
    is_stream_empty,
    make_model_step,
    make_turn_record,
)
from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.contracts.threads import CronJobRunRecord
from smart_kit.redis import Redis

NEVER_SECONDS = 3600.0


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of records of each batch that is stored."""
    sizes: list[int] = []

    async def store(connection: Any, records: Sequence[Any]) -> Any:
        sizes.append(len(records))
        return await store_records(connection, records)

    monkeypatch.setattr(archive_consumer, "store_records", store)
    return sizes


@asynccontextmanager
async def running(reader: ArchiveConsumer) -> AsyncIterator[None]:
    """Run the consumer, and stop it at the end."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(reader.run(stop))
    yield
    stop.set()
    await asyncio.wait_for(task, 60)


async def wait_until_empty(redis: Redis) -> None:
    async with asyncio.timeout(60):
        while not await is_stream_empty(redis):
            await asyncio.sleep(0.01)


class TestGathering:
    async def test_records_that_follow_within_a_moment_are_stored_together(
        self,
        archive_reader: ArchiveConsumer,
        redis: Redis,
        batch_sizes: list[int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def pause(stop: asyncio.Event, seconds: float) -> None:
            assert seconds == archive_consumer.GATHERING_SECONDS
            await add_records(redis, make_turn_record("tg:1:2"), make_turn_record("tg:1:3"))
            stop.set()

        monkeypatch.setattr(archive_consumer, "sleep_until_stopped", pause)
        await add_records(redis, make_turn_record("tg:1:1"))
        async with asyncio.timeout(60):
            await archive_reader.run(asyncio.Event())

        assert batch_sizes == [3]
        assert await is_stream_empty(redis)

    async def test_no_pause_follows_a_full_batch(
        self,
        engine: AsyncEngine,
        redis: Redis,
        blocking: Redis,
        batch_sizes: list[int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stored_before: list[list[int]] = []

        async def pause(stop: asyncio.Event, _: float) -> None:
            stored_before.append(list(batch_sizes))
            if batch_sizes:
                stop.set()
                return
            for number in range(4):
                await add_records(redis, make_turn_record(f"tg:1:{number + 2}"))

        monkeypatch.setattr(archive_consumer, "sleep_until_stopped", pause)
        monkeypatch.setattr(archive_consumer, "BATCH_SIZE", 2)
        await redis.xgroup_create(TURNS_STREAM, GROUP, id="0", mkstream=True)
        await add_records(redis, make_turn_record("tg:1:1"))
        async with asyncio.timeout(60):
            running_consumer = asyncio.create_task(
                ArchiveConsumer(engine, redis, blocking).run(asyncio.Event())
            )
            await wait_until_empty(redis)
            await add_records(redis, make_turn_record("tg:1:6"))
            await running_consumer

        assert stored_before == [[], [2, 2, 1]]

    @pytest.fixture
    def paused(self, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
        """Set once a consumer pauses; the pause ends only with a stop."""
        is_paused, sleep = asyncio.Event(), archive_consumer.sleep_until_stopped

        async def pause(stop: asyncio.Event, _: float) -> None:
            is_paused.set()
            await sleep(stop, NEVER_SECONDS)

        monkeypatch.setattr(archive_consumer, "sleep_until_stopped", pause)
        return is_paused

    async def test_a_stop_ends_the_pause(
        self, archive_reader: ArchiveConsumer, redis: Redis, paused: asyncio.Event
    ) -> None:
        await add_records(redis, make_turn_record())

        async with running(archive_reader), asyncio.timeout(60):
            await paused.wait()

        assert await is_stream_empty(redis)

    async def test_a_consumer_that_dies_in_the_pause_keeps_no_record_from_others(
        self,
        archive_reader: ArchiveConsumer,
        engine: AsyncEngine,
        redis: Redis,
        blocking: Redis,
        paused: asyncio.Event,
    ) -> None:
        await add_records(redis, make_turn_record())
        killed = asyncio.create_task(archive_reader.run(asyncio.Event()))
        async with asyncio.timeout(60):
            await paused.wait()
        killed.cancel()
        await asyncio.wait({killed})
        await ArchiveConsumer(engine, redis, blocking).run_once(0.01)

        assert await is_stream_empty(redis)

    async def test_one_read_finds_new_records(
        self, archive_reader: ArchiveConsumer, redis: Redis
    ) -> None:
        async def count_reads() -> int:
            return int((await redis.info("commandstats"))["cmdstat_xreadgroup"]["calls"])

        await archive_reader.run_once(0.01)
        before = await count_reads()
        await add_records(redis, make_turn_record())
        await archive_reader.run_once(0.01)

        assert await is_stream_empty(redis)
        assert await count_reads() == before + 1


class TestBatch:
    async def test_bad_record_is_found_among_good_ones(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        good = [make_turn_record(f"tg:1:{number}") for number in range(6)]
        await add_records(redis, *good[:4], make_turn_record("x" * 300), *good[4:], "no json")

        await archive_reader.run_once(0.01)

        turns = await list_items(admin, "/turns")
        assert {turn["message_id"] for turn in turns} == {turn.message_id for turn in good}
        reasons = [fields["reason"] for _, fields in await redis.xrange(DEAD_LETTER_STREAM)]
        assert reasons == ["DBAPIError 22001", "ValidationError"]
        assert await is_stream_empty(redis)

    async def test_first_record_of_a_turn_counts_except_for_usage(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, sql: Sql
    ) -> None:
        first = make_turn_record(items=ITEMS[:1], steps=(make_model_step("0", "1"),))
        again = make_turn_record(
            items=ITEMS, steps=(make_model_step("0", "1"), make_model_step("1", "2"))
        )
        await add_records(redis, first, again)

        await archive_reader.run_once(0.01)

        (turn,) = await list_items(admin, "/turns")
        assert turn["prompt_tokens"] == 100
        assert [item["payload"] for item in await list_items(admin, "/messages")] == [ITEMS[0]]
        assert await sql("SELECT step, cost FROM usage ORDER BY step") == [("0", 1), ("1", 2)]

    async def test_current_thread_is_not_inserted_again(
        self, archive_reader: ArchiveConsumer, engine: AsyncEngine, redis: Redis, admin: Client
    ) -> None:
        inserted: list[str] = []

        def record(_: Any, __: Any, statement: str, *___: Any) -> None:
            if statement.startswith("INSERT"):
                inserted.append(statement.split()[2])

        event.listen(engine.sync_engine, "before_cursor_execute", record)
        try:
            for number in (1, 2):
                await add_records(redis, make_turn_record(f"tg:1:{number}"))
                await archive_reader.run_once(0.01)
        finally:
            event.remove(engine.sync_engine, "before_cursor_execute", record)

        tables = ("turns", "user_assistant_threads")
        assert [inserted.count(table) for table in tables] == [2, 1]

    async def test_newest_use_of_a_thread_wins_in_any_order(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        def finish_at(number: int, hours: int) -> Any:
            return make_turn_record(f"tg:1:{number}", finished_at=MONDAY + timedelta(hours=hours))

        used_at = []
        for batch in ((1, 3, 2), (0,), (5, 4)):
            await add_records(redis, *(finish_at(hours, hours) for hours in batch))
            await archive_reader.run_once(0.01)
            (thread,) = await list_items(admin, "/threads")
            used_at.append(thread["last_used_at"])

        assert used_at == [f"2025-11-24T{hour}:00:00Z" for hour in (15, 15, 17)]


class TestLocks:
    async def test_users_are_locked_in_the_order_of_their_ids(
        self,
        archive_reader: ArchiveConsumer,
        sessions: SessionFactory,
        redis: Redis,
        make: Make,
        sql: Sql,
    ) -> None:
        users = [await make("users") for _ in range(4)]
        ids = sorted(user["id"] for user in users)
        await add_records(
            redis, *(make_turn_record(f"tg:1:{one}", user_id=UUID(one)) for one in reversed(ids))
        )
        async with sessions.begin() as session:
            await session.exec(text(f"SELECT FROM users WHERE id = '{ids[1]}' FOR UPDATE"))
            storing = asyncio.ensure_future(archive_reader.run_once(0.01))
            await wait_for_lock(sql, storing)
            free = await sql("SELECT id FROM users ORDER BY id FOR UPDATE SKIP LOCKED")

        await storing
        assert [str(user_id) for (user_id,) in free] == ids[2:]
        assert await is_stream_empty(redis)

    async def test_runs_are_locked_in_the_order_of_their_ids(
        self,
        archive_reader: ArchiveConsumer,
        sessions: SessionFactory,
        redis: Redis,
        make: Make,
        sql: Sql,
    ) -> None:
        job = await make("cron-jobs", user_id=(await make("users"))["id"])
        ids = [UUID(int=number) for number in range(1, 5)]
        for run_id in reversed(ids):  # neither the table nor the batch has the order of the ids
            await sql(
                "INSERT INTO cron_job_runs (id, job_id, scheduled_for, claimed_at, state) VALUES"
                f" ('{run_id}', '{job['id']}', now() - interval '{run_id.int} s', now(), 'claimed')"
            )
        ends = [CronJobRunRecord(run_id=one, state="done", ended_at=MONDAY) for one in ids[::-1]]
        await add_records(redis, *ends)
        async with sessions.begin() as session:
            await session.exec(text(f"SELECT FROM cron_job_runs WHERE id = '{ids[1]}' FOR UPDATE"))
            storing = asyncio.ensure_future(archive_reader.run_once(0.01))
            await wait_for_lock(sql, storing)
            free = await sql("SELECT id FROM cron_job_runs ORDER BY id FOR UPDATE SKIP LOCKED")

        await storing
        assert [run_id for (run_id,) in free] == ids[2:]
        assert await sql("SELECT DISTINCT state FROM cron_job_runs") == [("done",)]

    async def test_first_thread_is_created_while_another_is_deleted(
        self,
        archive_reader: ArchiveConsumer,
        sessions: SessionFactory,
        redis: Redis,
        admin: Client,
        make: Make,
        sql: Sql,
    ) -> None:
        user_id = UUID((await make("users"))["id"])
        await add_records(redis, make_turn_record("tg:1:1", user_id=user_id))
        await archive_reader.run_once(0.01)
        (thread,) = await list_items(admin, "/threads")
        async with sessions.begin() as session:
            await session.exec(text("LOCK TABLE turns IN SHARE MODE"))
            other = {"user_id": user_id, "assistant_id": UUID(int=3)}
            await add_records(
                redis,
                make_turn_record("tg:1:2", user_id=user_id),
                make_turn_record("tg:1:3", **other),
            )
            storing = asyncio.ensure_future(archive_reader.run_once(0.01))
            await wait_for_lock(sql, storing)  # has used the thread, and not created the other
            deleting = asyncio.ensure_future(admin.delete(f"/threads/{thread['id']}"))
            await wait_for_lock(sql, deleting, min_waiting=2)

        await storing
        assert (await deleting).status_code == 204
        (turn,) = await list_items(admin, "/turns")
        assert turn["message_id"] == "tg:1:3"
