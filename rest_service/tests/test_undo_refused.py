"""/undo of changes that cannot be undone changes nothing."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from rest_service.app.database import SessionFactory
from rest_service.app.models import Task
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
    make_user_headers,
)
from rest_service.tests.lock_waits import wait_for_lock
from rest_service.tests.undo_cases import (
    CHANGE_BODIES,
    CREATE_BODIES,
    CallTool,
    CallUndo,
    get_status_and_detail,
)
from smart_kit.contracts.base import utc_now


class TestRefused:
    """Changes that cannot be undone stay, and nothing else is undone."""

    @pytest.mark.parametrize("resource", CREATE_BODIES)
    async def test_record_changed_since_is_409(
        self, admin: Client, call_tool: CallTool, call_undo: CallUndo, resource: str
    ) -> None:
        made = await call_tool("POST", f"/{resource}", **CREATE_BODIES[resource])
        path = f"/{resource}/{made['id']}"
        changed = (await admin.patch(path, json=CHANGE_BODIES[resource])).raise_for_status().json()

        assert get_status_and_detail(await call_undo()) == (
            409,
            "The record has been changed since, and undoing would lose that change.",
        )
        assert (await admin.get(path)).json() == changed
        assert len(await list_items(admin, "/effects")) == 1

    @pytest.mark.parametrize("resource", CREATE_BODIES)
    async def test_record_deleted_since_is_409(
        self, admin: Client, call_tool: CallTool, call_undo: CallUndo, resource: str
    ) -> None:
        made = await call_tool("POST", f"/{resource}", **CREATE_BODIES[resource])
        await admin.delete(f"/{resource}/{made['id']}")

        assert get_status_and_detail(await call_undo()) == (
            409,
            "The changed record has been deleted since.",
        )
        assert len(await list_items(admin, "/effects")) == 1

    async def test_record_being_changed_is_409(
        self,
        admin: Client,
        call_undo: CallUndo,
        sessions: SessionFactory,
        sql: Sql,
        milk_task: JsonObject,
    ) -> None:
        """It waits for the other transaction and sees its change."""
        async with sessions.begin() as session:
            row = await session.get(Task, UUID(milk_task["id"]), with_for_update=True)
            assert row is not None
            row.title = "Oat milk"
            await session.flush()
            undoing = asyncio.create_task(call_undo())
            await wait_for_lock(sql, undoing)

        assert (await undoing).status_code == 409
        task = (await admin.get(f"/tasks/{milk_task['id']}")).json()
        assert (task["title"], task["status"]) == ("Oat milk", "open")

    async def test_fired_reminder_is_409(
        self, admin: Client, service: Client, call_tool: CallTool, call_undo: CallUndo
    ) -> None:
        at = (utc_now() - timedelta(seconds=5)).isoformat()
        job = await call_tool("POST", "/cron-jobs", text="Tea", at=at)
        await service.post("/cron-jobs/claim")

        assert get_status_and_detail(await call_undo()) == (409, "The reminder has already fired.")
        assert [item["id"] for item in await list_items(admin, "/cron-jobs")] == [job["id"]]

    async def test_cancelled_reminder_in_the_past_is_409(
        self,
        admin: Client,
        make: Make,
        call_tool: CallTool,
        call_undo: CallUndo,
        sql: Sql,
        person: JsonObject,
    ) -> None:
        at = (utc_now() + timedelta(days=1)).isoformat()
        job = await make("cron-jobs", user_id=person["id"], at=at, cron_expression=None)
        await sql("UPDATE cron_jobs SET at = at - interval '3 days'")
        await call_tool("DELETE", f"/cron-jobs/{job['id']}")

        status, reason = get_status_and_detail(await call_undo())

        assert (status, "more than a day ago" in reason) == (409, True)
        assert await list_items(admin, "/cron-jobs") == []

    async def test_change_without_reversal_is_409(
        self, admin: Client, call_undo: CallUndo, sql: Sql, milk_task: JsonObject
    ) -> None:
        await sql("UPDATE effects SET reversal = NULL")

        assert get_status_and_detail(await call_undo()) == (
            409,
            "This change cannot be undone.",
        )
        assert (await admin.get(f"/tasks/{milk_task['id']}")).json()["status"] == "open"

    async def test_change_of_another_user_is_404(
        self, service: Client, admin: Client, make: Make, person: JsonObject, milk_task: JsonObject
    ) -> None:
        bob = await make("users")
        for user, owner in ((person, bob), (bob, bob)):
            answer = await service.post(
                "/effects/undo",
                json={"user_id": user["id"]},
                headers=make_user_headers(owner, "tg:1:9/0.0"),
            )
            assert answer.status_code == 404
        assert (await admin.get(f"/tasks/{milk_task['id']}")).json()["status"] == "open"

    async def test_change_of_unknown_user_is_404(self, admin: Client) -> None:
        body = {"user_id": str(UUID(int=1))}
        answer = await admin.post(
            "/effects/undo", json=body, headers={"Idempotency-Key": "tg:1:9/0.0"}
        )
        assert answer.status_code == 404
