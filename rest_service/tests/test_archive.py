"""Archiving: each record of the stream `turns` is stored exactly once."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from rest_service.app.background.archive_consumer import ArchiveConsumer
from rest_service.app.database import SessionFactory
from rest_service.tests.api_helpers import Client, Make, Sql, list_items, make_user_headers
from rest_service.tests.lock_waits import wait_for_lock
from rest_service.tests.turn_records import (
    CALLING_MESSAGE,
    ITEMS,
    MONDAY,
    STEPS,
    add_records,
    is_stream_empty,
    make_turn_record,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import list_history_keys
from smart_kit.contracts.threads import StepRecord
from smart_kit.redis import Redis


class TestTurn:
    async def test_turn_is_stored_with_items_and_steps(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        record = make_turn_record()
        await add_records(redis, record)

        await archive_reader.run_once(0.01)

        (stored,) = await list_items(admin, "/turns")
        assert (stored["prompt_tokens"], stored["completion_tokens"]) == (220, 15)
        assert stored["steps"] == [step.model_dump(mode="json") for step in STEPS]
        assert (stored["status"], stored["configuration_version"]) == ("done", 3)
        assert (await admin.get("/turns/tg:1:1")).json() == stored
        messages = await list_items(admin, "/messages")
        assert [item["position"] for item in messages] == [0, 1, 2, 3]
        assert [item["role"] for item in messages] == ["user", "assistant", "tool", "assistant"]
        contents = ["What time is it?", "", "noon", "It is noon."]
        assert [item["content"] for item in messages] == contents
        assert [item["payload"] for item in messages] == list(ITEMS)
        assert (await admin.get(f"/messages/{messages[1]['id']}")).json() == messages[1]
        assert await is_stream_empty(redis)

    async def test_item_is_returned_byte_for_byte(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        item = {"z": 1, "role": "user", "content": "день 🙂\0", "a": {"c": [1.0, None], "b": 2}}
        await add_records(redis, make_turn_record(items=(item,)))

        await archive_reader.run_once(0.01)

        (stored,) = await list_items(admin, "/messages")
        assert json.dumps(stored["payload"]) == json.dumps(item)

    async def test_repeated_turn_is_stored_once(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        record = make_turn_record()
        await add_records(redis, record, record)
        await archive_reader.run_once(0.01)
        await add_records(redis, record)
        await archive_reader.run_once(0.01)

        assert len(await list_items(admin, "/turns")) == 1
        assert len(await list_items(admin, "/messages")) == 4
        assert await is_stream_empty(redis)

    async def test_turn_is_visible_only_to_its_user(
        self, archive_reader: ArchiveConsumer, redis: Redis, service: Client, make: Make
    ) -> None:
        alice, bob = await make("users"), await make("users")
        await add_records(redis, make_turn_record(user_id=UUID(alice["id"])))
        await archive_reader.run_once(0.01)
        mine = (await service.get("/messages", headers=make_user_headers(alice))).json()["items"]

        paths = ["/turns/tg:1:1", f"/messages/{mine[0]['id']}"]
        for path in paths:
            assert (await service.get(path, headers=make_user_headers(alice))).status_code == 200
            assert (await service.get(path, headers=make_user_headers(bob))).status_code == 404
        for path in ("/turns", "/messages"):
            assert (await service.get(path, headers=make_user_headers(bob))).json()["items"] == []

    async def test_messages_are_listed_oldest_first_or_from_the_end(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        start = utc_now()
        for number in range(3):
            items = tuple({"role": "user", "content": f"{number}{part}"} for part in "ab")
            at = start + timedelta(minutes=number)
            await add_records(redis, make_turn_record(f"tg:1:{number}", items=items, started_at=at))
        await archive_reader.run_once(0.01)

        async def list_contents(**params: Any) -> list[str]:
            return [item["content"] for item in await list_items(admin, "/messages", **params)]

        assert await list_contents() == ["0a", "0b", "1a", "1b", "2a", "2b"]
        assert await list_contents(limit=3) == ["0a", "0b", "1a"]
        assert await list_contents(limit=3, newest=True) == ["1b", "2a", "2b"]
        assert await list_contents(limit=2, offset=2, newest=True) == ["1a", "1b"]
        assert await list_contents(message_id="tg:1:1") == ["1a", "1b"]
        assert await list_contents(thread_id=str(UUID(int=5))) == []
        turns = await list_items(admin, "/turns")
        assert [item["message_id"] for item in turns] == ["tg:1:2", "tg:1:1", "tg:1:0"]

    async def test_messages_are_counted_unless_total_is_unwanted(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        await add_records(redis, make_turn_record())
        await archive_reader.run_once(0.01)

        pages = [
            (await admin.get("/messages", params={"limit": 3, "with_total": wanted})).json()
            for wanted in ("true", "false")
        ]
        assert [page["total"] for page in pages] == [4, None]
        assert pages[0] | {"total": None} == pages[1]

    async def test_role_and_text_are_extracted_from_any_content(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        items = (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]},
            CALLING_MESSAGE,
            {"role": "tool", "tool_call_id": "c", "content": "noon\0"},
            {"role": "assistant", "content": [{"text": "It is"}, {"text": 7}]},
        )
        await add_records(redis, make_turn_record(items=items))

        await archive_reader.run_once(0.01)

        messages = await list_items(admin, "/messages")
        assert [(item["role"], item["content"]) for item in messages] == [
            ("user", "a\nb"),
            ("assistant", ""),
            ("tool", "noon\N{REPLACEMENT CHARACTER}"),
            ("assistant", "It is"),
        ]

    async def test_each_item_has_its_own_time(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        def step(name: str, kind: str, at: float, seconds: float) -> StepRecord:
            started_at = MONDAY + timedelta(seconds=at)
            return StepRecord.model_validate(
                {"step": name, "kind": kind, "name": "m"}
                | {"started_at": started_at, "seconds": seconds}
            )

        steps = (
            step("1", "model", 10, 2),
            step("1.0", "tool", 12, 1),
            step("1.0.1", "model", 12, 0.5),  # of a sub-assistant: no item of this conversation
            step("2", "model", 14, 4),
        )
        result = {"role": "tool", "tool_call_id": "c", "content": "noon"}
        not_run = {"role": "tool", "tool_call_id": "d", "content": "Error: Not run"}
        record = make_turn_record(
            items=(ITEMS[0], CALLING_MESSAGE, result, not_run, ITEMS[3]),
            steps=steps,
            requested_at=MONDAY,
            started_at=MONDAY + timedelta(seconds=9),
        )
        await add_records(redis, record)

        await archive_reader.run_once(0.01)

        seconds = [
            (datetime.fromisoformat(item["created_at"]) - MONDAY).total_seconds()
            for item in await list_items(admin, "/messages")
        ]
        assert seconds == [0, 12, 13, 13, 18]

    async def test_item_without_a_step_has_the_finish_time(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        record = make_turn_record(items=(ITEMS[2], ITEMS[3]), steps=())
        await add_records(redis, record)

        await archive_reader.run_once(0.01)

        times = [item["created_at"] for item in await list_items(admin, "/messages")]
        assert [datetime.fromisoformat(at) for at in times] == [
            record.requested_at,
            record.finished_at,
        ]

    async def test_a_message_written_during_a_turn_comes_after_it(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        second = make_turn_record(
            "tg:1:2",
            requested_at=MONDAY + timedelta(seconds=1),
            started_at=MONDAY + timedelta(seconds=5),
        )
        first = make_turn_record("tg:1:1", requested_at=MONDAY, started_at=MONDAY)
        await add_records(redis, second, first)

        await archive_reader.run_once(0.01)

        messages = await list_items(admin, "/messages")
        assert [item["message_id"] for item in messages] == ["tg:1:1"] * 4 + ["tg:1:2"] * 4

    async def test_failed_turn_is_in_thread_but_not_in_context(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        failed = make_turn_record("tg:1:1", status="failed", items=ITEMS[:1], is_in_context=False)
        await add_records(redis, failed, make_turn_record("tg:1:2"))

        await archive_reader.run_once(0.01)

        thread = {"thread_id": str(failed.thread_id)}
        messages = await list_items(admin, "/messages", **thread)
        assert messages[0]["content"] == "What time is it?"
        assert [item["is_in_context"] for item in messages] == [False] + [True] * 4
        in_context = await list_items(admin, "/messages", **thread, is_in_context=True)
        assert in_context == messages[1:]


class TestThread:
    async def test_first_thread_is_recorded_with_its_last_use(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client
    ) -> None:
        first = make_turn_record("tg:1:1")
        second = make_turn_record("tg:1:2", finished_at=utc_now() + timedelta(hours=1))
        await add_records(redis, first, second)
        await archive_reader.run_once(0.01)

        (thread,) = await list_items(admin, "/threads")
        assert thread["thread_id"] == str(first.thread_id)
        assert thread["last_used_at"] == second.finished_at.isoformat().replace("+00:00", "Z")

    async def test_thread_started_by_user_stays_current(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, make: Make
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        user_thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        ends = {"user_id": UUID(user["id"]), "assistant_id": UUID(poet["id"])}
        await add_records(redis, make_turn_record("tg:1:1", **ends))
        await add_records(
            redis, make_turn_record("tg:1:2", **ends, thread_id=UUID(user_thread["thread_id"]))
        )
        await archive_reader.run_once(0.01)

        (thread,) = await list_items(admin, "/threads")
        assert thread["thread_id"] == user_thread["thread_id"]
        assert thread["last_used_at"] > user_thread["last_used_at"]
        assert len(await list_items(admin, "/messages")) == 8

    async def test_deleted_thread_stays_deleted_with_its_messages(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, make: Make
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        user_thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        ends = {"user_id": UUID(user["id"]), "assistant_id": UUID(poet["id"])}
        ends |= {"thread_id": UUID(user_thread["thread_id"])}
        await add_records(
            redis, make_turn_record("tg:1:1", **ends), make_turn_record("tg:1:2", thread_id=uuid4())
        )
        await archive_reader.run_once(0.01)

        await admin.delete(f"/threads/{user_thread['id']}")
        for path in ("/messages", "/turns"):
            assert {item["message_id"] for item in await list_items(admin, path)} == {"tg:1:2"}

    @pytest.mark.parametrize("is_first", [True, False])
    async def test_running_turn_of_deleted_thread_is_dropped(
        self,
        archive_reader: ArchiveConsumer,
        redis: Redis,
        admin: Client,
        make: Make,
        is_first: bool,
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        ends: dict[str, Any] = {"user_id": UUID(user["id"]), "assistant_id": UUID(poet["id"])}
        if not is_first:
            user_thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
            ends["thread_id"] = UUID(user_thread["thread_id"])
        await add_records(redis, make_turn_record("tg:1:1", **ends))
        await archive_reader.run_once(0.01)
        (thread,) = await list_items(admin, "/threads")
        await admin.delete(f"/threads/{thread['id']}")
        history, mark = list_history_keys([UUID(thread["thread_id"])])

        await redis.rpush(history, "{}")  # as the end of a turn does
        await redis.set(mark, "new")
        await add_records(redis, make_turn_record("tg:1:2", **ends))
        await archive_reader.run_once(0.01)
        assert await list_items(admin, "/messages") == await list_items(admin, "/turns") == []
        assert not await redis.exists(history, mark)
        assert await is_stream_empty(redis)

        (fresh,) = await list_items(admin, "/threads")
        assert fresh["thread_id"] != thread["thread_id"]
        await add_records(
            redis, make_turn_record("tg:1:3", **ends | {"thread_id": UUID(fresh["thread_id"])})
        )
        await archive_reader.run_once(0.01)
        assert {item["message_id"] for item in await list_items(admin, "/messages")} == {"tg:1:3"}

    async def test_turn_being_stored_is_deleted_with_its_thread(
        self,
        sessions: SessionFactory,
        sql: Sql,
        archive_reader: ArchiveConsumer,
        redis: Redis,
        admin: Client,
    ) -> None:
        await add_records(redis, make_turn_record("tg:1:1"))
        await archive_reader.run_once(0.01)
        (thread,) = await list_items(admin, "/threads")
        async with sessions.begin() as session:
            await (await session.connection()).exec_driver_sql("LOCK TABLE turns IN SHARE MODE")
            await add_records(redis, make_turn_record("tg:1:2"))
            keeping = asyncio.ensure_future(archive_reader.run_once(0.01))
            await wait_for_lock(sql, keeping)  # stops after inserting the turn
            deleting = asyncio.ensure_future(admin.delete(f"/threads/{thread['id']}"))
            await wait_for_lock(sql, deleting, min_waiting=2)  # as far as it gets before the commit

        await keeping
        assert (await deleting).status_code == 204
        assert await list_items(admin, "/turns") == await list_items(admin, "/messages") == []
