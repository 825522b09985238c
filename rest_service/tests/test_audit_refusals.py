"""Refused writes in the audit log."""

import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from rest_service.app.audit.refusal_throttle import WINDOW_SECONDS, RefusalThrottle
from rest_service.app.background.retention import RetentionJob
from rest_service.app.database import SessionFactory
from rest_service.app.middleware.request_guard import MAX_BYTES
from rest_service.app.routers.audit import list_audit_entries
from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    list_items,
    make_user_headers,
)

MAX_PER_HOUR = 100
"""The promise of docs/architecture.md, independent of the code."""


async def list_refused(admin: Client, **wanted: str) -> list[JsonObject]:
    return await list_items(admin, "/audit", result="refused", limit=200, **wanted)


async def test_write_refused_by_a_rule_is_recorded(
    service: Client, admin: Client, make: Make
) -> None:
    alice, bob = await make("users"), await make("users")
    task = await make("tasks", user_id=alice["id"])
    path = f"/tasks/{task['id']}"
    await service.patch(path, json={"title": "Mine"}, headers=make_user_headers(bob))
    await service.delete(path, headers=make_user_headers(bob))

    found = await list_refused(admin, user_id=bob["id"])
    assert [(item["action"], item["status"], item["object_id"]) for item in found] == [
        ("delete_task", 403, task["id"]),
        ("update_task", 404, task["id"]),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("POST", "/tasks", b"{}", "create_task"),
        ("POST", "/tasks", b"{no json", "create_task"),
        ("PATCH", "/tools/not-an-id", b"{}", "update_tool"),
        ("PUT", "/tools/not-an-id", b"{}", "put_tool"),
    ],
)
async def test_malformed_write_is_recorded(
    admin: Client, method: str, path: str, body: bytes, action: str
) -> None:
    answer = await admin.request(
        method, path, content=body, headers={"Content-Type": "application/json"}
    )

    (entry,) = await list_refused(admin)
    assert (answer.status_code, entry["status"]) == (422, 422)
    assert (entry["action"], entry["path"], entry["object_id"]) == (action, f"/api{path}", None)
    assert entry["request_id"] == answer.headers["x-correlation-id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("POST", "/nothing", b"{}", "application/json", 404),
        ("DELETE", "/tasks", b"", "application/json", 405),
        ("POST", "/tasks", b" " * (MAX_BYTES + 1), "application/json", 413),
        ("POST", "/tasks", b"a=b", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_requests_without_operation_are_not_recorded_as_documented(
    admin: Client, method: str, path: str, body: bytes, kind: str, status: int
) -> None:
    answer = await admin.request(method, path, content=body, headers={"Content-Type": kind})

    assert (answer.status_code, await list_refused(admin)) == (status, [])
    assert f"({status})" in str(list_audit_entries.__doc__)


async def test_malformed_read_is_not_recorded(admin: Client) -> None:
    assert (await admin.get("/tasks", params={"limit": "many"})).status_code == 422

    assert await list_refused(admin) == []


@pytest.mark.parametrize(
    ("sent_id", "recorded_id"),
    [
        ("a%00b", "a%00b"),
        ("%D1%8F%3F%23", "%D1%8F%3F%23"),
        ("%FF", "%EF%BF%BD"),
        ("x" * 5000, "x" * (512 - len("/api/tasks/"))),
    ],
    ids=["NUL", "letters and marks", "no UTF-8", "long"],
)
@pytest.mark.parametrize("status", [403, 422])
async def test_refusal_is_recorded_for_any_path(
    service: Client, admin: Client, sent_id: str, recorded_id: str, status: int
) -> None:
    http = service if status == 403 else admin
    assert (await http.delete(f"/tasks/{sent_id}")).status_code == status

    (entry,) = await list_refused(admin)
    assert entry["path"] == f"/api/tasks/{recorded_id}"


async def test_unauthenticated_request_is_not_recorded(anonymous: Client, admin: Client) -> None:
    assert (await anonymous.post("/tasks", json={})).status_code == 401

    assert await list_refused(admin) == []


async def test_refusals_per_caller_and_hour_are_limited(
    service: Client, admin: Client, make: Make
) -> None:
    for _ in range(MAX_PER_HOUR + 5):
        assert (await service.post("/tools", json={})).status_code == 403
    assert (await admin.post("/tasks", json={})).status_code == 422
    await make("users")

    assert len(await list_refused(admin, caller="service")) == MAX_PER_HOUR
    assert len(await list_refused(admin, caller="admin")) == 1
    assert len(await list_items(admin, "/audit", action="create_user")) == 1


class TestRefusals:
    def test_next_window_reports_suppressed_count(self) -> None:
        now = [5.0]
        refusals = RefusalThrottle(lambda: now[0])
        with capture_logs() as lines:
            admitted = [refusals.allow("service") for _ in range(MAX_PER_HOUR + 3)]
        now[0] += WINDOW_SECONDS

        assert admitted == [0] * MAX_PER_HOUR + [None] * 3
        assert [line["caller"] for line in lines] == ["service"]
        assert [refusals.allow("service") for _ in range(2)] == [3, 0]

    def test_window_lasts_the_full_hour(self) -> None:
        now = [0.0]
        refusals = RefusalThrottle(lambda: now[0])
        for _ in range(MAX_PER_HOUR):
            refusals.allow("admin")
        now[0] += WINDOW_SECONDS - 1

        assert refusals.allow("admin") is None
        assert refusals.allow("service") == 0


async def test_suppressed_count_is_listed_with_the_entry(
    admin: Client, sql: Sql, make: Make
) -> None:
    await admin.post("/tasks", json={})
    await sql(
        "INSERT INTO audit_log (id, caller, action, object_type, path, result, status,"
        " suppressed_count, created_at) SELECT gen_random_uuid(), caller, action, object_type,"
        " path, result, status,"
        " 7, now() FROM audit_log"
    )

    assert [item["suppressed_count"] for item in await list_refused(admin)] == [7, 0]


async def age_entries(sql: Sql, days: int) -> None:
    """Age all entries, with the trigger disabled."""
    await sql("ALTER TABLE audit_log DISABLE TRIGGER keep_audit_log")
    await sql(f"UPDATE audit_log SET created_at = now() - interval '{days} days'")
    await sql("ALTER TABLE audit_log ENABLE TRIGGER keep_audit_log")


async def test_retention_deletes_only_old_refusals(
    admin: Client, make: Make, sessions: SessionFactory, sql: Sql
) -> None:
    await make("users")
    await admin.post("/tasks", json={})
    await age_entries(sql, 29)
    await RetentionJob(sessions).run_once()
    assert len(await list_refused(admin)) == 1

    await age_entries(sql, 31)
    await RetentionJob(sessions).run_once()
    assert [item["action"] for item in await list_items(admin, "/audit")] == ["create_user"]


async def test_only_old_refusals_can_be_deleted(admin: Client, make: Make, sql: Sql) -> None:
    await admin.post("/tasks", json={})
    with pytest.raises(DBAPIError, match="only added to"):
        await sql("DELETE FROM audit_log")

    await make("users")
    await age_entries(sql, 400)
    with pytest.raises(DBAPIError, match="only added to"):
        await sql("DELETE FROM audit_log WHERE result = 'done'")
