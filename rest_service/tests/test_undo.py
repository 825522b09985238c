"""/undo reverts the newest change once, and never a later change of the same record."""

import asyncio
from typing import get_args

import pytest
from sqlalchemy.exc import DBAPIError

from rest_service.app.services.undo import UNDO_HANDLERS
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
    make_user_headers,
)
from rest_service.tests.undo_cases import (
    CHANGE_BODIES,
    CHANGE_KINDS,
    CREATE_BODIES,
    CallTool,
    CallUndo,
    get_status_and_detail,
    strip_volatile_fields,
)
from smart_kit.contracts.effects import EffectKind


def test_every_effect_kind_has_an_undo_handler() -> None:
    assert set(UNDO_HANDLERS) == set(get_args(EffectKind))


@pytest.mark.parametrize(
    ("resource", "kind"), [("cron-jobs", "reminder_cancelled"), ("calendar", "event_cancelled")]
)
async def test_undo_of_creation_cancels_the_record(
    admin: Client, call_tool: CallTool, call_undo: CallUndo, resource: str, kind: str
) -> None:
    made = await call_tool("POST", f"/{resource}", **CREATE_BODIES[resource])

    effect = (await call_undo()).raise_for_status().json()

    assert (effect["kind"], effect["undoes"]) == (kind, made["effect"]["id"])
    assert (effect["before"], effect["after"]) == (made["effect"]["after"], None)
    assert (effect["message_id"], effect["step"]) == ("tg:1:100", "0.0")
    assert (await admin.get(f"/{resource}/{made['id']}")).status_code == 404


async def test_undo_of_task_creation_keeps_it_as_cancelled(
    admin: Client, milk_task: JsonObject, call_undo: CallUndo
) -> None:
    effect = (await call_undo()).raise_for_status().json()

    assert (effect["kind"], effect["undoes"]) == ("task_changed", milk_task["effect"]["id"])
    task = (await admin.get(f"/tasks/{milk_task['id']}")).json()
    assert task["status"] == effect["after"]["status"] == "cancelled"


@pytest.mark.parametrize("resource", CREATE_BODIES)
async def test_undo_of_change_restores_all_fields(
    admin: Client,
    make: Make,
    call_tool: CallTool,
    call_undo: CallUndo,
    person: JsonObject,
    resource: str,
) -> None:
    body = {"cron_expression": None} if resource == "cron-jobs" else {}
    made = await make(resource, user_id=person["id"], **body, **CREATE_BODIES[resource])
    path = f"/{resource}/{made['id']}"
    changed = await call_tool("PATCH", path, **CHANGE_BODIES[resource])

    effect = (await call_undo()).raise_for_status().json()

    assert (
        strip_volatile_fields((await admin.get(path)).json())
        == strip_volatile_fields(made)
        != strip_volatile_fields(changed)
    )
    assert (effect["kind"], effect["undoes"]) == (CHANGE_KINDS[resource], changed["effect"]["id"])
    assert effect["before"] == changed["effect"]["after"]


@pytest.mark.parametrize(
    ("resource", "kind"), [("cron-jobs", "reminder_created"), ("calendar", "event_created")]
)
async def test_undo_of_cancellation_restores_the_same_id(
    admin: Client, call_tool: CallTool, call_undo: CallUndo, sql: Sql, resource: str, kind: str
) -> None:
    made = await call_tool("POST", f"/{resource}", **CREATE_BODIES[resource])
    await sql("UPDATE calendar_events SET google_event_id = 'g1'")
    path = f"/{resource}/{made['id']}"
    before = (await admin.get(path)).json()
    await call_tool("DELETE", path)

    effect = (await call_undo()).raise_for_status().json()

    after = (await admin.get(path)).json()
    assert strip_volatile_fields(after) == strip_volatile_fields(before)
    assert after.get("next_fire_at") == before.get("next_fire_at")
    assert (effect["kind"], effect["before"]) == (kind, None)
    assert effect["after"]["id"] == made["id"]


async def test_undo_restores_group_job_of_another_bot(
    admin: Client, make: Make, call_tool: CallTool, call_undo: CallUndo, person: JsonObject
) -> None:
    job = await make("cron-jobs", user_id=person["id"], chat_id=-100, type="prompt")
    job = (await admin.patch(f"/cron-jobs/{job['id']}", json={"bot_id": 9})).json()
    await call_tool("DELETE", f"/cron-jobs/{job['id']}")

    await call_undo()

    again = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    assert strip_volatile_fields(again) == strip_volatile_fields(job)
    assert again["next_fire_at"] == job["next_fire_at"]


async def test_repeated_undo_reverts_newest_first(
    admin: Client, call_tool: CallTool, call_undo: CallUndo, milk_task: JsonObject
) -> None:
    path = f"/tasks/{milk_task['id']}"
    changes = [milk_task["effect"]]
    for body in ({"status": "done"}, {"title": "Tea"}, {"status": "open"}):
        changes.append((await call_tool("PATCH", path, **body))["effect"])

    undone = [(await call_undo()).raise_for_status().json() for _ in changes]

    assert [item["undoes"] for item in undone] == [item["id"] for item in changes[::-1]]
    assert (get_status_and_detail(await call_undo())) == (404, "There is nothing to undo.")
    assert (await admin.get(path)).json()["status"] == "cancelled"
    assert [item["undoes"] for item in await list_items(admin, "/effects")] == [
        *(item["undoes"] for item in undone[::-1]),
        *[None] * len(changes),
    ]


async def test_a_record_that_is_undone_and_recreated_can_be_undone_again(
    admin: Client, call_tool: CallTool, call_undo: CallUndo
) -> None:
    """A restored job keeps its id."""
    made = await call_tool("POST", "/cron-jobs", **CREATE_BODIES["cron-jobs"])
    await call_tool("DELETE", f"/cron-jobs/{made['id']}")

    kinds = [(await call_undo()).json()["kind"] for _ in range(2)]

    assert kinds == ["reminder_created", "reminder_cancelled"]
    assert await list_items(admin, "/cron-jobs") == []


async def test_undo_restores_the_completion_time(
    admin: Client, call_tool: CallTool, call_undo: CallUndo, milk_task: JsonObject
) -> None:
    path = f"/tasks/{milk_task['id']}"
    done = await call_tool("PATCH", path, status="done")
    await call_tool("PATCH", path, status="open")

    await call_undo()

    assert (await admin.get(path)).json()["completed_at"] == done["completed_at"]


class TestOnce:
    async def test_repeated_key_returns_the_same_response(
        self, admin: Client, call_tool: CallTool, call_undo: CallUndo, milk_task: JsonObject
    ) -> None:
        await call_tool("PATCH", f"/tasks/{milk_task['id']}", title="Tea")

        answers = await asyncio.gather(*(call_undo("tg:1:99/0.0") for _ in range(5)))

        assert {item.status_code for item in answers} == {200}
        assert len({item.text for item in answers}) == 1
        assert (await admin.get(f"/tasks/{milk_task['id']}")).json()["status"] == "open"

    async def test_concurrent_undos_never_revert_the_same_change(
        self, admin: Client, call_tool: CallTool, call_undo: CallUndo, milk_task: JsonObject
    ) -> None:
        for title in ("Tea", "Cake"):
            await call_tool("PATCH", f"/tasks/{milk_task['id']}", title=title)

        answers = await asyncio.gather(*(call_undo() for _ in range(6)))

        assert sorted(item.status_code for item in answers) == [200] * 3 + [404] * 3
        undone = {item.json()["undoes"] for item in answers if item.is_success}
        assert len(undone) == 3
        assert len(await list_items(admin, "/effects")) == 6

    async def test_database_forbids_undoing_twice(
        self, call_undo: CallUndo, sql: Sql, milk_task: JsonObject
    ) -> None:
        await call_undo()

        with pytest.raises(DBAPIError, match="uq_effects_undoes"):
            await sql(f"UPDATE effects SET undoes = '{milk_task['effect']['id']}'")

    @pytest.mark.parametrize("key", [None, "tg:1:77"])
    async def test_undo_needs_a_key_with_message_and_step(
        self, service: Client, person: JsonObject, milk_task: JsonObject, key: str | None
    ) -> None:
        body = {"user_id": person["id"]}
        answer = await service.post(
            "/effects/undo", json=body, headers=make_user_headers(person, key)
        )

        assert get_status_and_detail(answer) == (
            400,
            "The header Idempotency-Key is missing: `<message id>/<step>`.",
        )


async def test_recurring_reminder_can_be_undone_after_firing(
    service: Client, admin: Client, call_tool: CallTool, call_undo: CallUndo, sql: Sql
) -> None:
    await call_tool("POST", "/cron-jobs", text="Tea", cron_expression="0 9 * * *")
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '1 second'")
    assert len((await service.post("/cron-jobs/claim")).json()["runs"]) == 1
    await sql("UPDATE cron_jobs SET next_fire_at = next_fire_at + interval '1 day'")  # it is then

    assert (await call_undo()).status_code == 200
    assert await list_items(admin, "/cron-jobs") == []


async def test_receipt_of_an_older_version_can_be_undone(
    admin: Client, call_undo: CallUndo, sql: Sql, milk_task: JsonObject
) -> None:
    await sql("""UPDATE effects SET after = (after::jsonb - 'priority' || '{"old": 1}')::json""")

    assert (await call_undo()).status_code == 200
