"""/undo: the newest change is taken back, once, and never at the cost of a later one."""

import asyncio
from typing import get_args

import pytest
from sqlalchemy.exc import DBAPIError

from rest_service.app.services.undo import BACK
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, acting_as, listed
from rest_service.tests.undo_cases import (
    BODIES,
    CHANGED,
    CHANGES,
    CallTool,
    CallUndo,
    comparable,
    status_and_detail,
)
from smart_kit.contracts.effects import EffectKind


def test_every_kind_of_change_can_be_taken_back() -> None:
    assert set(BACK) == set(get_args(EffectKind))


@pytest.mark.parametrize(
    ("resource", "kind"), [("cron-jobs", "reminder_cancelled"), ("calendar", "event_cancelled")]
)
async def test_what_was_made_is_cancelled(
    admin: Client, tool: CallTool, undo: CallUndo, resource: str, kind: str
) -> None:
    made = await tool("POST", f"/{resource}", **BODIES[resource])

    effect = (await undo()).raise_for_status().json()

    assert (effect["kind"], effect["undoes"]) == (kind, made["effect"]["id"])
    assert (effect["before"], effect["after"]) == (made["effect"]["after"], None)
    assert (effect["message_id"], effect["step"]) == ("tg:1:100", "0.0")
    assert (await admin.get(f"/{resource}/{made['id']}")).status_code == 404


async def test_a_task_that_was_made_stays_to_be_seen_as_dropped(
    admin: Client, milk: JsonObject, undo: CallUndo
) -> None:
    effect = (await undo()).raise_for_status().json()

    assert (effect["kind"], effect["undoes"]) == ("task_changed", milk["effect"]["id"])
    task = (await admin.get(f"/tasks/{milk['id']}")).json()
    assert task["status"] == effect["after"]["status"] == "cancelled"


@pytest.mark.parametrize("resource", BODIES)
async def test_what_was_changed_is_as_before(
    admin: Client, make: Make, tool: CallTool, undo: CallUndo, person: JsonObject, resource: str
) -> None:
    body = {"cron_expression": None} if resource == "cron-jobs" else {}
    made = await make(resource, user_id=person["id"], **body, **BODIES[resource])
    path = f"/{resource}/{made['id']}"
    changed = await tool("PATCH", path, **CHANGES[resource])

    effect = (await undo()).raise_for_status().json()

    assert comparable((await admin.get(path)).json()) == comparable(made) != comparable(changed)
    assert (effect["kind"], effect["undoes"]) == (CHANGED[resource], changed["effect"]["id"])
    assert effect["before"] == changed["effect"]["after"]


@pytest.mark.parametrize(
    ("resource", "kind"), [("cron-jobs", "reminder_created"), ("calendar", "event_created")]
)
async def test_what_was_cancelled_is_there_again_under_its_own_id(
    admin: Client, tool: CallTool, undo: CallUndo, sql: Sql, resource: str, kind: str
) -> None:
    made = await tool("POST", f"/{resource}", **BODIES[resource])
    await sql("UPDATE calendar_events SET google_event_id = 'g1'")
    path = f"/{resource}/{made['id']}"
    before = (await admin.get(path)).json()
    await tool("DELETE", path)

    effect = (await undo()).raise_for_status().json()

    after = (await admin.get(path)).json()
    assert comparable(after) == comparable(before)
    assert after.get("next_fire_at") == before.get("next_fire_at")
    assert (effect["kind"], effect["before"]) == (kind, None)
    assert effect["after"]["id"] == made["id"]


async def test_a_job_for_a_group_by_another_bot_is_there_again_as_it_was(
    admin: Client, make: Make, tool: CallTool, undo: CallUndo, person: JsonObject
) -> None:
    job = await make("cron-jobs", user_id=person["id"], chat_id=-100, type="prompt")
    job = (await admin.patch(f"/cron-jobs/{job['id']}", json={"bot_id": 9})).json()
    await tool("DELETE", f"/cron-jobs/{job['id']}")

    await undo()

    again = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    assert comparable(again) == comparable(job)
    assert again["next_fire_at"] == job["next_fire_at"]


async def test_one_after_the_other_is_taken_back_newest_first_until_nothing_is_left(
    admin: Client, tool: CallTool, undo: CallUndo, milk: JsonObject
) -> None:
    path = f"/tasks/{milk['id']}"
    changes = [milk["effect"]]
    for body in ({"status": "done"}, {"title": "Tea"}, {"status": "open"}):
        changes.append((await tool("PATCH", path, **body))["effect"])

    undone = [(await undo()).raise_for_status().json() for _ in changes]

    assert [one["undoes"] for one in undone] == [one["id"] for one in changes[::-1]]
    assert (status_and_detail(await undo())) == (404, "There is nothing to take back.")
    assert (await admin.get(path)).json()["status"] == "cancelled"
    assert [one["undoes"] for one in await listed(admin, "/effects")] == [
        *(one["undoes"] for one in undone[::-1]),
        *[None] * len(changes),
    ]


async def test_what_is_taken_back_and_made_anew_can_be_taken_back_too(
    admin: Client, tool: CallTool, undo: CallUndo
) -> None:
    """A cancelled job that is restored is still the one that was made."""
    made = await tool("POST", "/cron-jobs", **BODIES["cron-jobs"])
    await tool("DELETE", f"/cron-jobs/{made['id']}")

    kinds = [(await undo()).json()["kind"] for _ in range(2)]

    assert kinds == ["reminder_created", "reminder_cancelled"]
    assert await listed(admin, "/cron-jobs") == []


async def test_when_a_task_was_done_is_kept_through_taking_back(
    admin: Client, tool: CallTool, undo: CallUndo, milk: JsonObject
) -> None:
    path = f"/tasks/{milk['id']}"
    done = await tool("PATCH", path, status="done")
    await tool("PATCH", path, status="open")

    await undo()

    assert (await admin.get(path)).json()["completed_at"] == done["completed_at"]


class TestOnce:
    async def test_the_same_key_is_answered_the_same(
        self, admin: Client, tool: CallTool, undo: CallUndo, milk: JsonObject
    ) -> None:
        await tool("PATCH", f"/tasks/{milk['id']}", title="Tea")

        answers = await asyncio.gather(*(undo("tg:1:99/0.0") for _ in range(5)))

        assert {one.status_code for one in answers} == {200}
        assert len({one.text for one in answers}) == 1
        assert (await admin.get(f"/tasks/{milk['id']}")).json()["status"] == "open"

    async def test_two_at_once_never_take_the_same_back(
        self, admin: Client, tool: CallTool, undo: CallUndo, milk: JsonObject
    ) -> None:
        for title in ("Tea", "Cake"):
            await tool("PATCH", f"/tasks/{milk['id']}", title=title)

        answers = await asyncio.gather(*(undo() for _ in range(6)))

        assert sorted(one.status_code for one in answers) == [200] * 3 + [404] * 3
        undone = {one.json()["undoes"] for one in answers if one.is_success}
        assert len(undone) == 3
        assert len(await listed(admin, "/effects")) == 6

    async def test_nor_does_anybody_past_the_service(
        self, undo: CallUndo, sql: Sql, milk: JsonObject
    ) -> None:
        await undo()

        with pytest.raises(DBAPIError, match="uq_effects_undoes"):
            await sql(f"UPDATE effects SET undoes = '{milk['effect']['id']}'")

    @pytest.mark.parametrize("key", [None, "tg:1:77"])
    async def test_it_needs_a_key_that_says_whence_it_comes(
        self, service: Client, person: JsonObject, milk: JsonObject, key: str | None
    ) -> None:
        body = {"user_id": person["id"]}
        answer = await service.post("/effects/undo", json=body, headers=acting_as(person, key))

        assert status_and_detail(answer) == (
            400,
            "The header Idempotency-Key is missing, as `<message id>/<step>`.",
        )


async def test_a_recurring_reminder_can_be_taken_back_after_it_has_fired(
    service: Client, admin: Client, tool: CallTool, undo: CallUndo, sql: Sql
) -> None:
    await tool("POST", "/cron-jobs", text="Tea", cron_expression="0 9 * * *")
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '1 second'")
    assert len((await service.post("/cron-jobs/claim")).json()["runs"]) == 1
    await sql("UPDATE cron_jobs SET next_fire_at = next_fire_at + interval '1 day'")  # it is then

    assert (await undo()).status_code == 200
    assert await listed(admin, "/cron-jobs") == []


async def test_a_receipt_of_an_earlier_version_may_say_less(
    admin: Client, undo: CallUndo, sql: Sql, milk: JsonObject
) -> None:
    await sql("""UPDATE effects SET after = (after::jsonb - 'priority' || '{"old": 1}')::json""")

    assert (await undo()).status_code == 200
