import asyncio
from dataclasses import replace

import pytest
from fastapi import FastAPI

from rest_service.tests.api_helpers import Client, Sql, list_items
from smart_kit.mailbox import DeadLetter
from smart_kit.mailbox.dead_letter_queue import DeadLetterEntry, DeadLetterQueue, EntryId
from smart_kit.redis import Redis

WAITING = "queue:to_telegram:waiting:tg:1:7"
DEAD_LETTER_PATH = "/dead-letters/to_telegram:7-0"


class AuditReadingQueue(DeadLetterQueue):
    """Records what the audit log shows at the moment when Redis becomes unavailable."""

    def __init__(self, redis: Redis, queue: str, sql: Sql) -> None:
        super().__init__(redis, queue)
        self.audit_entries: list[object] = []
        self._sql = sql

    async def replay(self, entry: DeadLetterEntry) -> bool:
        return await self.delete(entry.entry_id)

    async def delete(self, entry_id: EntryId) -> bool:
        self.audit_entries = list(await self._sql("SELECT action, result FROM audit_log"))
        raise ConnectionError


class ContendedQueue(DeadLetterQueue):
    """Another request deletes each dead letter right after it is found."""

    async def find(self, entry_id: EntryId) -> DeadLetterEntry | None:
        found = await super().find(entry_id)
        await self.delete(entry_id)
        return found


async def add_dead_letter(redis: Redis, queue: str, at: int, payload: str = "{}") -> None:
    dead_letter = DeadLetter(
        queue=f"queue:{queue}", conversation="tg:1:7", payload=payload, reason="boom", attempts=5
    )
    await redis.xadd(
        f"queue:{queue}:dead", {"dead_letter": dead_letter.model_dump_json()}, id=f"{at}-0"
    )


async def test_dead_letters_of_both_queues_are_listed_newest_first_without_payloads(
    admin: Client, redis: Redis
) -> None:
    for at, queue in enumerate(["to_secretary", "to_telegram", "to_secretary"], 1):
        await add_dead_letter(redis, queue, at, "private text")

    answer = await admin.get("/dead-letters")
    found = answer.json()["items"]
    ids = ["to_secretary:3-0", "to_telegram:2-0", "to_secretary:1-0"]
    assert [item["id"] for item in found] == ids
    assert [item["queue"] for item in found] == ["to_secretary", "to_telegram", "to_secretary"]
    assert (found[0]["reason"], found[0]["attempts"], found[0]["conversation"]) == (
        "boom",
        5,
        "tg:1:7",
    )
    assert "private text" not in answer.text

    part = await list_items(admin, "/dead-letters", limit=1, offset=1)
    assert [item["id"] for item in part] == ids[1:2]
    own = await admin.get("/dead-letters", params={"queue": "to_secretary"})
    assert (own.json()["total"], [item["id"] for item in own.json()["items"]]) == (2, ids[::2])


async def test_single_dead_letter_includes_its_payload(admin: Client, redis: Redis) -> None:
    await add_dead_letter(redis, "to_telegram", 7, '{"text": "Hi"}')

    dead_letter = (await admin.get("/dead-letters/to_telegram:7-0")).json()

    assert dead_letter["payload"] == '{"text": "Hi"}'
    for unknown in ("to_telegram:8-0", "to_secretary:7-0"):
        assert (await admin.get(f"/dead-letters/{unknown}")).status_code == 404
    for malformed in ("7-0", "to_unknown:7-0", "to_telegram:7", "to_telegram:9999999999999999-0"):
        assert (await admin.get(f"/dead-letters/{malformed}")).status_code == 422


async def test_an_unreadable_dead_letter_hides_no_other(admin: Client, redis: Redis) -> None:
    await redis.xadd("queue:to_telegram:dead", {"dead_letter": "{broken"}, id="1000-0")
    await redis.xadd("queue:to_telegram:dead", {"other": "x"}, id="2000-0")
    await add_dead_letter(redis, "to_telegram", 3000)

    reasons = [item["reason"] for item in await list_items(admin, "/dead-letters")]
    assert reasons == ["boom", *["the dead letter itself cannot be parsed"] * 2]
    broken = (await admin.get("/dead-letters/to_telegram:1000-0")).json()
    assert (broken["payload"], broken["failed_at"]) == ("{broken", "1970-01-01T00:00:01Z")


class TestReplay:
    async def test_concurrent_replays_queue_the_message_once(
        self, admin: Client, redis: Redis
    ) -> None:
        await add_dead_letter(redis, "to_telegram", 7, '{"text": "Hi"}')
        await add_dead_letter(redis, "to_secretary", 7)

        answers = await asyncio.gather(
            *(admin.post(f"{DEAD_LETTER_PATH}/replay") for _ in range(5))
        )

        assert sorted(item.status_code for item in answers)[0] == 204
        assert {item.status_code for item in answers if not item.is_success} <= {404, 409}
        assert await redis.lrange(WAITING, 0, -1) == ['{"text": "Hi"}']
        assert [item["id"] for item in await list_items(admin, "/dead-letters")] == [
            "to_secretary:7-0"
        ]

    async def test_replay_of_unknown_dead_letter_is_404(self, admin: Client, redis: Redis) -> None:
        await add_dead_letter(redis, "to_secretary", 7)

        assert (await admin.post(f"{DEAD_LETTER_PATH}/replay")).status_code == 404
        assert len(await list_items(admin, "/dead-letters")) == 1

    async def test_replay_of_just_deleted_dead_letter_is_409(
        self, app: FastAPI, admin: Client, redis: Redis
    ) -> None:
        contested = {"to_telegram": ContendedQueue(redis, "queue:to_telegram")}
        app.state.resources = replace(app.state.resources, dead_letter_queues=contested)
        await add_dead_letter(redis, "to_telegram", 7)

        answer = await admin.post(f"{DEAD_LETTER_PATH}/replay")

        assert (answer.status_code, "Another request" in answer.json()["detail"]) == (409, True)
        assert await redis.llen(WAITING) == 0

    async def test_replay_of_unreadable_dead_letter_is_400(
        self, admin: Client, redis: Redis
    ) -> None:
        await redis.xadd("queue:to_telegram:dead", {"dead_letter": "{broken"}, id="7-0")

        answer = await admin.post(f"{DEAD_LETTER_PATH}/replay")

        assert (answer.status_code, "only be deleted" in answer.json()["detail"]) == (400, True)
        assert len(await list_items(admin, "/dead-letters")) == 1


async def test_delete_removes_only_the_named_dead_letter(admin: Client, redis: Redis) -> None:
    for queue, at in (("to_telegram", 7), ("to_telegram", 8), ("to_secretary", 7)):
        await add_dead_letter(redis, queue, at)

    assert [(await admin.delete(DEAD_LETTER_PATH)).status_code for _ in range(2)] == [204, 404]
    assert [item["id"] for item in await list_items(admin, "/dead-letters")] == [
        "to_telegram:8-0",
        "to_secretary:7-0",
    ]


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", f"{DEAD_LETTER_PATH}/replay", "replay_dead_letter"),
        ("DELETE", DEAD_LETTER_PATH, "delete_dead_letter"),
    ],
)
class TestAudit:
    async def test_done_and_refused_actions_are_recorded(
        self, admin: Client, redis: Redis, method: str, path: str, action: str
    ) -> None:
        await add_dead_letter(redis, "to_telegram", 7)
        for _ in range(2):
            await admin.request(method, path)
        await admin.request(method, path.replace("to_telegram", "to_unknown"))

        noted = [
            (item["caller"], item["action"], item["path"], item["result"], item["status"])
            for item in await list_items(admin, "/audit")
        ]
        unknown_path = path.replace("to_telegram", "to_unknown")
        assert noted == [
            ("admin", action, f"/api{unknown_path}", "refused", 422),
            ("admin", action, f"/api{path}", "refused", 404),
            ("admin", action, f"/api{path}", "started", 204),
        ]

    async def test_audit_entry_is_durable_before_the_action(
        self,
        app: FastAPI,
        admin: Client,
        redis: Redis,
        sql: Sql,
        method: str,
        path: str,
        action: str,
    ) -> None:
        watched = AuditReadingQueue(redis, "queue:to_telegram", sql)
        queues = {"to_telegram": watched}
        app.state.resources = replace(app.state.resources, dead_letter_queues=queues)
        await add_dead_letter(redis, "to_telegram", 7)

        assert (await admin.request(method, path)).status_code == 503

        assert [tuple(row) for row in watched.audit_entries] == [(action, "started")]  # type: ignore[call-overload]
        entries = await list_items(admin, "/audit")
        assert [(item["result"], item["status"]) for item in entries] == [("started", 204)]

    async def test_action_fails_if_it_cannot_be_recorded(
        self, admin: Client, redis: Redis, sql: Sql, method: str, path: str, action: str
    ) -> None:
        await add_dead_letter(redis, "to_telegram", 7)
        await sql("ALTER TABLE audit_log RENAME TO elsewhere")
        try:
            answer = await admin.request(method, path)
        finally:
            await sql("ALTER TABLE elsewhere RENAME TO audit_log")

        assert answer.status_code == 503, action
        assert len(await list_items(admin, "/dead-letters")) == 1
