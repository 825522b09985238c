from typing import Any
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

KEY = "tg:1:77/2.0"


def make_time(number: int, hour: int = 0) -> str:
    return f"2031-01-{number:02}T{hour:02}:00:00Z"


async def post_refused(admin: Client, user: JsonObject, **body: Any) -> tuple[int, str]:
    event = {
        "user_id": user["id"],
        "title": "x",
        "starts_at": make_time(1, 9),
        "ends_at": make_time(1, 10),
    }
    answer = await admin.post("/calendar", json=event | body)
    return answer.status_code, answer.json()["detail"]


async def test_event_times_are_stored_in_utc(admin: Client, make: Make) -> None:
    user = await make("users")
    fields = {
        "title": "Chess",
        "description": "Bring\nthe clock",
        "location": "Club",
        "attendees": ["ann@example.org"],
        "timezone": "Asia/Tokyo",
    }
    local = {"starts_at": "2031-01-02T09:00:00", "ends_at": "2031-01-02T02:30:00+01:00"}
    event = await make("calendar", user_id=user["id"], **fields, **local)

    times = {"starts_at": make_time(2), "ends_at": "2031-01-02T01:30:00Z"}
    assert event.items() >= (fields | times | {"is_all_day": False}).items()
    assert (event["google_event_id"], event["effect"]) == (None, None)
    assert (await admin.get(f"/calendar/{event['id']}")).json() == event


async def test_range_includes_overlapping_events(admin: Client, make: Make) -> None:
    user, other = await make("users"), await make("users")
    for number, (first, last) in enumerate([(1, 2), (2, 4), (3, 9), (5, 6)]):
        times = {"starts_at": make_time(first), "ends_at": make_time(last)}
        await make("calendar", user_id=user["id"], title=str(number), **times)
    await make("calendar", user_id=other["id"], starts_at=make_time(3), ends_at=make_time(4))

    async def list_titles(**params: str) -> str:
        params |= {"user_id": user["id"]}
        return "".join(item["title"] for item in await list_items(admin, "/calendar", **params))

    assert await list_titles() == "0123"
    assert await list_titles(from_at=make_time(2), until_at=make_time(5)) == "12"
    assert await list_titles(from_at=make_time(4)) == "23"
    assert await list_titles(until_at=make_time(2)) == "0"
    naive = await admin.get("/calendar", params={"from_at": "2031-01-01T00:00:00"})
    assert naive.status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"ends_at": make_time(1, 9)}, 400, "must end after it starts"),
        ({"ends_at": make_time(1, 8)}, 400, "must end after it starts"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, 400, "calendar"),
        ({"is_all_day": True}, 400, "midnight in Europe/Berlin"),
        ({"attendees": ["ann"]}, 422, "attendees"),
        ({"attendees": ["a@b\0"]}, 422, "attendees"),
        ({"attendees": ["a@b"] * 101}, 422, "attendees"),
        ({"title": " "}, 422, "title"),
        ({"description": "\0"}, 422, "description"),
        ({"timezone": "Mars/Base"}, 422, "timezone"),
        ({"google_event_id": "x"}, 422, "google_event_id"),
        ({"user_id": str(UUID(int=1))}, 404, "user"),
    ],
)
async def test_invalid_event_is_refused(
    admin: Client, make: Make, body: JsonObject, status: int, reason: str
) -> None:
    answered, detail = await post_refused(admin, await make("users"), **body)

    assert (answered, reason in detail) == (status, True), detail
    assert await list_items(admin, "/calendar") == []


async def add_past_events(sql: Sql, user: JsonObject, number: int) -> None:
    await sql(
        "INSERT INTO calendar_events (id, created_at, updated_at, user_id, title, starts_at,"
        " ends_at, timezone, is_all_day, description, location, attendees)"
        f" SELECT gen_random_uuid(), now(), now(), '{user['id']}', n, now() - interval '2 days',"
        f" now() - interval '1 day', 'UTC', false, '', '', '[]' FROM generate_series(1, {number}) n"
    )


async def test_user_has_at_most_10000_events_including_past(
    admin: Client, make: Make, sql: Sql
) -> None:
    user, other = await make("users"), await make("users")
    await add_past_events(sql, user, 9_999)
    last = await make("calendar", user_id=user["id"])

    status, detail = await post_refused(admin, user)
    assert (status, "10000 events is reached" in detail) == (409, True)
    await make("calendar", user_id=other["id"])
    changed = await admin.patch(f"/calendar/{last['id']}", json={"title": "Go"})
    assert changed.status_code == 200
    assert (await admin.delete(f"/calendar/{last['id']}")).status_code == 204
    await make("calendar", user_id=user["id"])


async def test_undo_of_cancellation_respects_event_limit(
    service: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    event = await make("calendar", user_id=user["id"])
    await service.delete(f"/calendar/{event['id']}", headers=make_user_headers(user, KEY))
    await add_past_events(sql, user, 10_000)

    body, headers = {"user_id": user["id"]}, make_user_headers(user, "tg:1:78/0.0")
    undone = await service.post("/effects/undo", json=body, headers=headers)
    assert (undone.status_code, "events is reached" in undone.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("Europe/Berlin", "2031-01-01T00:00:00", "2031-01-02T00:00:00"),
        ("Europe/Berlin", "2031-03-30T00:00:00", "2031-03-31T00:00:00"),
        ("Africa/Cairo", "2031-04-25T01:00:00", "2031-04-26T00:00:00"),
    ],
    ids=["plain", "clocks change", "midnight is skipped"],
)
async def test_all_day_spans_midnights_in_the_event_timezone(
    make: Make, zone: str, first: str, last: str
) -> None:
    user = await make("users")
    times = {"starts_at": first, "ends_at": last, "timezone": zone}

    assert (await make("calendar", user_id=user["id"], is_all_day=True, **times))["is_all_day"]


class TestUpdate:
    async def test_update_changes_only_the_given_fields(self, admin: Client, make: Make) -> None:
        user = await make("users")
        event = await make("calendar", user_id=user["id"], location="Club")
        body = {"title": "Go", "attendees": ["b@example.org"], "ends_at": make_time(3)}

        changed = (await admin.put(f"/calendar/{event['id']}", json=body)).json()

        assert changed == event | body | {"updated_at": changed["updated_at"]}

    async def test_naive_times_use_event_timezone_which_moves_nothing(
        self, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        event = await make("calendar", user_id=user["id"], timezone="Asia/Tokyo")
        path = f"/calendar/{event['id']}"

        moved = (await admin.patch(path, json={"ends_at": "2031-01-02T09:00:00"})).json()
        rezoned = (await admin.patch(path, json={"timezone": "UTC"})).json()

        assert moved["ends_at"] == rezoned["ends_at"] == make_time(2)
        assert (rezoned["timezone"], rezoned["starts_at"]) == ("UTC", event["starts_at"])

    @pytest.mark.parametrize(
        "change",
        [
            {"title": None},
            {"starts_at": None},
            {"attendees": None},
            {"starts_at": make_time(1, 10)},
            {"ends_at": make_time(1, 9)},
            {"is_all_day": True},
            {"user_id": str(UUID(int=1))},
        ],
    )
    async def test_a_refused_change_changes_nothing(
        self, admin: Client, make: Make, change: JsonObject
    ) -> None:
        user = await make("users")
        event = await make("calendar", user_id=user["id"])
        path = f"/calendar/{event['id']}"

        assert (await admin.patch(path, json=change)).status_code in (400, 422)
        assert (await admin.get(path)).json() == event


class TestReceipts:
    async def test_repeated_create_returns_one_event_with_receipt(
        self, service: Client, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        body = {
            "user_id": user["id"],
            "title": "Go",
            "starts_at": make_time(1),
            "ends_at": make_time(2),
        }
        answers = [
            await service.post("/calendar", json=body, headers=make_user_headers(user, KEY))
            for _ in range(2)
        ]

        event, effect = answers[0].json(), answers[0].json()["effect"]
        assert answers[1].json() == event
        assert (effect["kind"], effect["before"]) == ("event_created", None)
        assert effect["after"]["starts_at"] == event["starts_at"]
        path = f"/api/calendar/{event['id']}"
        assert effect["reversal"] == {"method": "DELETE", "path": path}
        assert await list_items(admin, "/calendar") == [event | {"effect": None}]

    async def test_change_and_cancellation_receipts_restore_the_event(
        self, service: Client, make: Make
    ) -> None:
        user = await make("users")
        event = await make("calendar", user_id=user["id"], attendees=["a@example.org"])
        path = f"/calendar/{event['id']}"
        same = set(event) - {"updated_at"}
        body = {"title": "Go", "starts_at": make_time(1, 1), "attendees": []}

        await service.patch(path, json=body, headers=make_user_headers(user, KEY))
        undone = await self.undo_latest(service, user, "event_changed")
        assert {name: undone[name] for name in same} == {name: event[name] for name in same}

        gone = await service.delete(path, headers=make_user_headers(user, "tg:1:78/1.0"))
        assert gone.status_code == 204
        assert (await service.get(path, headers=make_user_headers(user))).status_code == 404
        again = await self.undo_latest(service, user, "event_cancelled")
        same -= {"id", "created_at"}
        assert {name: again[name] for name in same} == {name: event[name] for name in same}

    async def undo_latest(self, service: Client, user: JsonObject, kind: str) -> JsonObject:
        """Undoes the newest change."""
        listing = await service.get("/effects", headers=make_user_headers(user))
        effect = listing.json()["items"][0]
        assert effect["kind"] == kind
        back = effect["reversal"]
        path = back["path"].removeprefix("/api")
        answer = await service.request(
            back["method"], path, json=back["body"], headers=make_user_headers(user)
        )
        assert answer.is_success, answer.text
        undone: JsonObject = answer.json()
        return undone
