from datetime import datetime
from uuid import UUID

import pytest

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
LATER = "2031-07-01T09:00:00"


async def change_task(
    http: Client, task: JsonObject, body: JsonObject, **headers: str
) -> tuple[int, JsonObject]:
    answer = await http.patch(f"/tasks/{task['id']}", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_a_new_task_is_open_and_due_at_no_time(make: Make) -> None:
    user = await make("users")
    task = await make("tasks", user_id=user["id"], title="  Milk ")

    expected = {"title": "Milk", "status": "open", "priority": "normal", "user_id": user["id"]}
    assert task.items() >= (expected | {"due_at": None, "completed_at": None}).items()
    assert task["effect"] is None


async def test_naive_time_uses_given_user_or_deployment_timezone(admin: Client, make: Make) -> None:
    user = await make("users")
    deployment = await make("tasks", user_id=user["id"], due_at=LATER)
    await admin.patch(f"/users/{user['id']}", json={"timezone": "Asia/Tokyo"})
    users = await make("tasks", user_id=user["id"], due_at=LATER)
    explicit = await make("tasks", user_id=user["id"], due_at=LATER, timezone="America/Lima")
    aware = await make("tasks", user_id=user["id"], due_at=f"{LATER}+01:00")

    hours = [datetime.fromisoformat(item["due_at"]).hour for item in (deployment, users, explicit)]
    assert hours == [7, 0, 14]
    assert aware["due_at"] == "2031-07-01T08:00:00Z"
    _, moved = await change_task(admin, aware, {"due_at": LATER})
    assert moved["due_at"] == users["due_at"]


async def test_completed_at_is_set_until_task_reopens(admin: Client, make: Make) -> None:
    user = await make("users")
    task = await make("tasks", user_id=user["id"])

    _, done = await change_task(admin, task, {"status": "done"})
    _, renamed = await change_task(admin, task, {"title": "Other", "status": "done"})
    _, again = await change_task(admin, task, {"status": "open"})

    ended = datetime.fromisoformat(done["completed_at"])
    assert abs((utc_now() - ended).total_seconds()) < 60
    assert renamed["completed_at"] == done["completed_at"]
    assert (again["status"], again["completed_at"]) == ("open", None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"title": None}, 400),
        ({"status": None}, 400),
        ({"title": " "}, 422),
        ({"status": "forgotten"}, 422),
        ({"priority": 1}, 422),
        ({"due_at": "soon"}, 422),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, 400),
        ({"timezone": "Mars/Base"}, 422),
        ({"user_id": str(UUID(int=1))}, 422),
        ({"completed_at": LATER}, 422),
    ],
)
async def test_a_refused_change_changes_nothing(
    admin: Client, make: Make, body: JsonObject, status: int
) -> None:
    user = await make("users")
    task = await make("tasks", user_id=user["id"])

    assert (await change_task(admin, task, body))[0] == status
    assert (await admin.get(f"/tasks/{task['id']}")).json() == task


async def test_tasks_are_listed_by_due_time_undated_last(admin: Client, make: Make) -> None:
    user = await make("users")
    for title, due in (("c", None), ("b", "2031-01-02T00:00"), ("a", "2031-01-01T00:00")):
        await make("tasks", user_id=user["id"], title=title, due_at=due)
    dropped = await make("tasks", user_id=user["id"], title="d")
    await change_task(admin, dropped, {"status": "cancelled"})

    assert [item["title"] for item in await list_items(admin, "/tasks")] == ["a", "b", "c", "d"]
    still = await list_items(admin, "/tasks", status="open", limit=2, offset=1)
    assert [item["title"] for item in still] == ["b", "c"]


async def test_a_person_has_at_most_500_open_tasks(admin: Client, make: Make, sql: Sql) -> None:
    user, other = await make("users"), await make("users")
    await sql(
        "INSERT INTO tasks (id, created_at, updated_at, user_id, title, status, priority)"
        f" SELECT gen_random_uuid(), now(), now(), '{user['id']}', n, 'open', 'normal'"
        " FROM generate_series(1, 499) n"
    )
    last = await make("tasks", user_id=user["id"])
    body = {"user_id": user["id"], "title": "x"}

    refused = await admin.post("/tasks", json=body)
    assert (refused.status_code, "500 open tasks" in refused.json()["detail"]) == (409, True)
    await make("tasks", user_id=other["id"])
    await change_task(admin, last, {"status": "done"})
    assert (await admin.post("/tasks", json=body)).status_code == 201
    assert (await change_task(admin, last, {"status": "open"}))[0] == 409
    assert (await change_task(admin, last, {"status": "cancelled"}))[0] == 200


async def test_task_for_unknown_user_is_not_found(admin: Client) -> None:
    body = {"user_id": str(UUID(int=1)), "title": "x"}
    assert (await admin.post("/tasks", json=body)).status_code == 404


async def test_only_admin_can_delete_a_task(admin: Client, service: Client, make: Make) -> None:
    user = await make("users")
    path = f"/tasks/{(await make('tasks', user_id=user['id']))['id']}"

    assert (await service.delete(path, headers=make_user_headers(user))).status_code == 403
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_tasks_are_deleted_with_their_user(admin: Client, make: Make) -> None:
    user = await make("users")
    await make("tasks", user_id=user["id"])

    await admin.delete(f"/users/{user['id']}")

    assert await list_items(admin, "/tasks") == []


class TestReceipts:
    async def test_creation_receipt_cancels_the_task(self, service: Client, make: Make) -> None:
        user = await make("users")
        body = {"user_id": user["id"], "title": "Milk", "due_at": LATER, "priority": "high"}
        first = await service.post("/tasks", json=body, headers=make_user_headers(user, KEY))
        again = await service.post("/tasks", json=body, headers=make_user_headers(user, KEY))

        task, effect = first.json(), first.json()["effect"]
        assert again.json() == task
        assert (effect["kind"], effect["before"]) == ("task_created", None)
        assert (effect["message_id"], effect["step"]) == ("tg:1:77", "2.0")
        facts = ("id", "title", "status", "due_at", "priority")
        assert {name: effect["after"][name] for name in facts} == {
            name: task[name] for name in facts
        }
        assert effect["reversal"] == {
            "method": "PATCH",
            "path": f"/api/tasks/{task['id']}",
            "body": {"status": "cancelled"},
        }

    async def test_change_receipt_reverts_every_field(self, service: Client, make: Make) -> None:
        user = await make("users")
        task = await make("tasks", user_id=user["id"])
        body = {"title": "Tea", "status": "done", "due_at": LATER, "priority": "low"}
        headers = make_user_headers(user, KEY)

        _, changed = await change_task(service, task, body, **headers)
        effect = changed["effect"]
        assert effect["kind"] == "task_changed"
        assert (effect["before"]["title"], effect["after"]["title"]) == (task["title"], "Tea")
        back = effect["reversal"]
        path = back["path"].removeprefix("/api")
        undone = await service.request(
            back["method"], path, json=back["body"], headers=make_user_headers(user)
        )

        same = set(task) - {"updated_at"}
        assert {name: undone.json()[name] for name in same} == {name: task[name] for name in same}

    async def test_repeated_key_acts_once_for_one_request(
        self, service: Client, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        body = {"user_id": user["id"], "title": "Milk"}
        for _ in range(2):
            answer = await service.post("/tasks", json=body, headers=make_user_headers(user, KEY))
            assert answer.status_code == 201

        other = await service.post(
            "/tasks", json=body | {"title": "T"}, headers=make_user_headers(user, KEY)
        )
        assert other.status_code == 409
        assert (
            len(await list_items(admin, "/tasks")) == len(await list_items(admin, "/effects")) == 1
        )
