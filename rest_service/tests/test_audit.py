from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from rest_service.app.audit.audited_types import AUDITED_TYPES
from rest_service.app.routers import ROUTERS
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
    make_user_headers,
)
from smart_kit.contracts.base import utc_now

KEY = "tg:1:77/2.0"
SECRET = "sk-a-key-of-no-worth"


async def list_entries(admin: Client, **wanted: str) -> list[JsonObject]:
    return await list_items(admin, "/audit", **wanted)


async def test_write_is_recorded_with_caller_object_and_request(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    headers = make_user_headers(user) | {"X-Correlation-Id": "tg:1:77"}
    body = {"user_id": user["id"], "title": "Milk"}
    task = (await service.post("/tasks", json=body, headers=headers)).json()

    newest = (await list_entries(admin))[0]
    assert (
        newest.items()
        >= {
            "caller": "service",
            "user_id": user["id"],
            "action": "create_task",
            "object_type": "tasks",
            "object_id": task["id"],
            "path": "/api/tasks",
            "result": "done",
            "status": 201,
            "request_id": "tg:1:77",
            "suppressed_count": 0,
        }.items()
    )
    assert newest["after"] == {name: task[name] for name in newest["after"]}
    assert {"status", "due_at"} < newest["after"].keys()


async def test_generated_request_id_is_in_response_and_entry(admin: Client, make: Make) -> None:
    user = await make("users")
    answer = await admin.patch(f"/users/{user['id']}", json={"language": "ru"})

    (entry,) = await list_entries(admin, request_id=answer.headers["x-correlation-id"])
    assert (entry["action"], entry["object_id"], entry["caller"]) == (
        "update_user",
        user["id"],
        "admin",
    )


async def test_each_state_of_an_assistant_is_recorded(admin: Client, make: Make) -> None:
    poet = await make("assistants", instructions="Rhyme.")
    path = f"/assistants/{poet['id']}"
    await admin.patch(path, json={"instructions": "Rhyme twice."})
    await admin.delete(path)

    versions = [item["after"] for item in await list_entries(admin, object_id=poet["id"])][::-1]
    assert [item and item["instructions"] for item in versions] == ["Rhyme.", "Rhyme twice.", None]


async def test_no_secret_is_recorded(admin: Client, make: Make, sql: Sql) -> None:
    provider = await make("providers", api_key=SECRET)
    await admin.patch(f"/providers/{provider['id']}", json={"api_key": f"{SECRET}2"})
    invite = (await admin.post("/invites", json={})).json()
    await admin.post("/invites/redeem", json={"code": invite["code"], "telegram_id": 1001})

    ((encrypted,),) = await sql("SELECT encrypted_api_key FROM llm_providers")
    stored = str(await sql("SELECT row_to_json(audit_log)::text FROM audit_log"))
    assert "create_provider" in stored
    assert "redeem_invite" in stored
    for secret in (SECRET, encrypted, invite["code"]):
        assert secret not in stored


async def test_reads_and_no_op_writes_are_not_recorded(
    admin: Client, service: Client, make: Make
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], "title": "Milk"}
    for _ in range(2):
        await service.post("/tasks", json=body, headers=make_user_headers(user, KEY))
    before = await list_entries(admin)

    await admin.get("/tasks")
    await service.post("/cron-jobs/claim")
    await service.post("/cron-jobs/dispatched", json={"run_ids": [str(UUID(int=1))]})
    await admin.patch(f"/users/{user['id']}", json={})
    await service.put(f"/users/by-telegram-id/{user['telegram_id']}", json={})

    assert await list_entries(admin) == before
    assert len(await list_entries(admin, action="create_task")) == 1


@pytest.mark.usefixtures("one_hour_dispatch_timeout")
async def test_only_claims_that_return_runs_are_recorded(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    at = (utc_now() - timedelta(seconds=5)).isoformat()
    await make("cron-jobs", user_id=user["id"], at=at, cron_expression=None)

    await service.post("/cron-jobs/claim")
    await service.post("/cron-jobs/claim")

    assert len(await list_entries(admin, action="claim_runs")) == 1


async def test_undo_is_recorded_with_the_changed_object(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], "title": "Milk"}
    task = (await service.post("/tasks", json=body, headers=make_user_headers(user, KEY))).json()
    for key in ("tg:1:78/0.0", "tg:1:78/0.0", "tg:1:79/0.0"):
        headers = make_user_headers(user, key)
        await service.post("/effects/undo", json={"user_id": user["id"]}, headers=headers)

    refused, *done = await list_entries(admin, action="undo_effect")
    assert [(item["status"], item["object_type"], item["object_id"]) for item in done] == [
        (200, "tasks", task["id"])
    ]
    assert (refused["result"], refused["status"]) == ("refused", 404)


async def test_entries_are_filtered_by_each_field(admin: Client, make: Make) -> None:
    user = await make("users")
    await make("tasks", user_id=user["id"])
    now = utc_now()
    hour = timedelta(hours=1)

    async def list_actions(**wanted: str) -> list[str]:
        return [item["action"] for item in await list_entries(admin, **wanted)]

    assert await list_actions() == ["create_task", "create_user"]
    assert await list_actions(object_type="users") == ["create_user"]
    assert await list_actions(caller="service") == []
    assert await list_actions(user_id=user["id"]) == ["create_task", "create_user"]
    assert await list_actions(user_id=str(UUID(int=1))) == []
    assert await list_actions(from_at=(now - hour).isoformat()) == ["create_task", "create_user"]
    assert await list_actions(from_at=(now + hour).isoformat()) == []
    assert await list_actions(until_at=(now - hour).isoformat()) == []
    assert await list_actions(object_id=str(UUID(int=1))) == []


async def test_dispatched_runs_are_recorded_once(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    at = (utc_now() - timedelta(seconds=5)).isoformat()
    await make("cron-jobs", user_id=user["id"], at=at, cron_expression=None)
    claim = (await service.post("/cron-jobs/claim")).json()

    for _ in range(2):
        body = {"run_ids": [run["id"] for run in claim["runs"]]}
        assert (await service.post("/cron-jobs/dispatched", json=body)).status_code == 204

    (entry,) = await list_entries(admin, action="record_dispatched")
    assert (entry["object_type"], entry["object_id"]) == ("cron-jobs", None)


async def test_entry_action_is_the_operation_id(app: FastAPI, admin: Client, make: Make) -> None:
    user = await make("users")
    path = f"/users/{user['id']}"
    await admin.put(path, json={"language": "ru"})
    await admin.patch(path, json={"language": "en"})
    await admin.put("/users/by-telegram-id/1002", json={"first_name": "Ann"})

    operations = app.openapi()["paths"]["/api/users/{user_id}"]
    noted = [(item["action"], item["status"]) for item in await list_entries(admin)]
    assert noted == [
        ("upsert_user", 201),
        (operations["patch"]["operationId"], 200),
        (operations["put"]["operationId"], 200),
        ("create_user", 201),
    ]


async def test_link_has_same_object_id_on_both_paths(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    path = f"/assistants/{poet['id']}/tools/{tool['id']}"
    link = (await admin.post(path)).json()
    await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
    await admin.delete(path)

    found = await list_entries(admin, object_type="assistant-tools", object_id=link["id"])
    assert [item["action"] for item in found] == [
        "detach_tool",
        "update_assistant_tool",
        "attach_tool",
    ]
    assert [(item["after"] or {}).get("is_active") for item in found] == [None, False, True]


async def test_admin_writes_are_recorded_with_user_and_new_state(admin: Client, make: Make) -> None:
    user = await make("users")
    await admin.patch(f"/users/{user['id']}", json={"status": "blocked"})
    for resource in ("tasks", "calendar", "cron-jobs"):
        await make(resource, user_id=user["id"])

    found = await list_entries(admin, user_id=user["id"])
    assert [item["object_type"] for item in found] == [
        "cron-jobs",
        "calendar",
        "tasks",
        "users",
        "users",
    ]
    assert found[0]["after"]["cron_expression"] == "0 9 * * *"
    assert found[1]["after"]["starts_at"] == "2031-01-01T09:00:00Z"
    assert found[2]["after"]["status"] == "open"
    assert [item["after"]["status"] for item in found[3:]] == ["blocked", "active"]


async def test_no_message_text_is_stored(admin: Client, make: Make, sql: Sql) -> None:
    """Entries stay when users and their records are deleted."""
    secret = "Zorro"
    user = await make("users", first_name=secret, username=secret)
    await make("tasks", user_id=user["id"], title=secret)
    await make("cron-jobs", user_id=user["id"], text=secret)
    await make("calendar", user_id=user["id"], title=secret, location=secret, description=secret)
    assistant = await make("assistants")
    await make("threads", user_id=user["id"], assistant_id=assistant["id"])

    stored = await sql("SELECT row_to_json(audit_log)::text FROM audit_log")
    assert len(stored) == 6
    assert secret not in str(stored)


def test_object_types_match_route_prefixes() -> None:
    known = {router.prefix.removeprefix("/") for router in ROUTERS}

    assert {subject.resource for subject in AUDITED_TYPES.values()} < known


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET path = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
async def test_entries_cannot_be_changed(make: Make, sql: Sql, statement: str) -> None:
    await make("users")

    with pytest.raises(DBAPIError, match="only added to"):
        await sql(statement)
