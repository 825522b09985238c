import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from rest_service.app.database import SessionFactory
from rest_service.app.services import clock
from rest_service.app.services.cron_jobs import cron_jobs
from rest_service.app.services.records.call_context import CallContext
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, make_user_headers
from rest_service.tests.lock_waits import wait_for_lock
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.cron_jobs import CronJobCreate

KEY = "tg:1:77/2.0"


@pytest.fixture
def frozen_database_clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time of Postgres, set so that no hour begins during the test."""
    now = datetime(2031, 3, 5, 6, tzinfo=UTC)

    async def database_now(_: AsyncSession) -> datetime:
        return now

    monkeypatch.setattr(clock, "get_now", database_now)
    return now


def parse_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text)


def make_future_time(**delta: float) -> str:
    return (utc_now() + timedelta(**delta)).isoformat()


async def post_refused(admin: Client, user: JsonObject, **body: object) -> tuple[int, str]:
    answer = await admin.post("/cron-jobs", json={"user_id": user["id"], "text": "x"} | body)
    return answer.status_code, answer.json()["detail"]


async def test_one_off_time_uses_the_job_timezone(make: Make) -> None:
    user = await make("users")
    body = {"at": "2031-07-01T09:00:00", "timezone": "Asia/Tokyo", "cron_expression": None}
    job = await make("cron-jobs", user_id=user["id"], text="Tea", **body)

    assert (
        parse_datetime(job["at"])
        == parse_datetime(job["next_fire_at"])
        == datetime(2031, 7, 1, tzinfo=UTC)
    )
    assert (job["name"], job["type"], job["chat_id"]) == ("Tea", "reminder", user["telegram_id"])
    assert job["effect"] is None


async def test_timezone_falls_back_from_job_to_user_to_deployment(
    admin: Client, make: Make
) -> None:
    user = await make("users")
    deployment = await make("cron-jobs", user_id=user["id"])
    await admin.patch(f"/users/{user['id']}", json={"timezone": "Asia/Tokyo"})
    users = await make("cron-jobs", user_id=user["id"])
    own = await make("cron-jobs", user_id=user["id"], timezone="America/Lima")

    zones = [job["timezone"] for job in (deployment, users, own)]
    assert zones == ["Europe/Berlin", "Asia/Tokyo", "America/Lima"]
    hours = [parse_datetime(job["next_fire_at"]).hour for job in (users, own)]
    assert hours == [0, 14]


async def test_a_recurring_job_fires_next_at_its_time(
    make: Make, frozen_database_clock: datetime
) -> None:
    user = await make("users")
    job = await make("cron-jobs", user_id=user["id"], cron_expression="30 6 * * *", timezone="UTC")

    assert parse_datetime(job["next_fire_at"]) == frozen_database_clock + timedelta(minutes=30)
    assert job["at"] is None


@pytest.mark.parametrize(
    ("text", "name"),
    [("Tea", "Tea"), ("Tea\nand cake", "Tea"), ("x" * 80, "x" * 59 + "…")],
)
async def test_default_job_name_is_the_start_of_its_text(make: Make, text: str, name: str) -> None:
    user = await make("users")
    assert (await make("cron-jobs", user_id=user["id"], text=text))["name"] == name


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "exactly one of at and cron_expression"),
        ({"at": "2031-01-01T00:00", "cron_expression": "* * * * *"}, "exactly one"),
        ({"cron_expression": "61 * * * *"}, "bad minute"),
        ({"cron_expression": "0 0 9 * * *"}, "five fields"),
        ({"cron_expression": "@hourly"}, "five fields"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "calendar"),
        ({"at": (utc_now() - timedelta(days=2)).isoformat()}, "more than a day ago"),
    ],
)
async def test_invalid_time_is_refused(
    admin: Client, make: Make, body: JsonObject, reason: str
) -> None:
    status, detail = await post_refused(admin, await make("users"), **body)

    assert status == 400
    assert reason in detail


@pytest.mark.parametrize(
    "body",
    [{"timezone": "Mars/Base"}, {"text": " "}, {"text": "\0"}, {"chat_id": 2**63}, {"at": "soon"}],
)
async def test_a_malformed_body_is_refused_by_the_fields_name(
    admin: Client, make: Make, body: JsonObject
) -> None:
    status, detail = await post_refused(
        admin, await make("users"), **{"at": make_future_time(hours=1)} | body
    )

    assert status == 422
    assert f"body.{next(iter(body))}" in detail


async def test_recently_passed_time_fires_immediately(make: Make) -> None:
    user = await make("users")
    job = await make(
        "cron-jobs", user_id=user["id"], at=make_future_time(hours=-23), cron_expression=None
    )

    assert parse_datetime(job["next_fire_at"]) < utc_now()


async def test_only_admin_can_schedule_for_another_chat(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], "text": "x", "cron_expression": "* * * * *"}

    for chat_id, status in ((-100, 403), (user["telegram_id"], 201), (None, 201)):
        job = body | {"chat_id": chat_id}
        answer = await service.post("/cron-jobs", json=job, headers=make_user_headers(user))
        assert answer.status_code == status, chat_id
    assert (await admin.post("/cron-jobs", json=body | {"chat_id": -100})).status_code == 201


async def test_an_unknown_user_is_not_found(admin: Client) -> None:
    status, _ = await post_refused(admin, {"id": str(UUID(int=1))}, cron_expression="* * * * *")
    assert status == 404


async def test_a_person_has_at_most_a_hundred_active_jobs(admin: Client, make: Make) -> None:
    user, other = await make("users"), await make("users")
    jobs = [await make("cron-jobs", user_id=user["id"]) for _ in range(100)]

    status, detail = await post_refused(admin, user, cron_expression="* * * * *")
    assert status == 409
    assert "limit of 100 active reminders" in detail

    paused = await make("cron-jobs", user_id=user["id"], is_active=False)
    path = f"/cron-jobs/{paused['id']}"
    assert (await admin.patch(path, json={"is_active": True})).status_code == 409
    assert (await admin.patch(path, json={"text": "still paused"})).status_code == 200
    await make("cron-jobs", user_id=other["id"])
    await admin.delete(f"/cron-jobs/{jobs[0]['id']}")
    assert (await admin.patch(path, json={"is_active": True})).status_code == 200


async def test_concurrent_creates_do_not_exceed_the_limit(
    admin: Client, make: Make, sessions: SessionFactory, sql: Sql
) -> None:
    user = await make("users")
    for _ in range(99):
        await make("cron-jobs", user_id=user["id"])
    body = {"user_id": user["id"], "text": "x", "cron_expression": "* * * * *"}

    async with sessions.begin() as session:
        await cron_jobs.create(
            CallContext(session, "admin", None, "UTC", 100), CronJobCreate(**body)
        )
        second = asyncio.ensure_future(admin.post("/cron-jobs", json=body))
        await wait_for_lock(sql, second)  # as far as it gets before the commit

    assert (await second).status_code == 409


class TestUpdate:
    async def test_new_time_replaces_the_old_schedule(self, admin: Client, make: Make) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        path = f"/cron-jobs/{job['id']}"

        once = (await admin.patch(path, json={"at": "2031-01-01T09:00"})).json()
        assert (once["cron_expression"], once["next_fire_at"]) == (None, "2031-01-01T08:00:00Z")
        again = (await admin.patch(path, json={"cron_expression": "0 9 1 1 *"})).json()
        assert (again["at"], again["cron_expression"]) == (None, "0 9 1 1 *")
        assert again["next_fire_at"].endswith("-01-01T08:00:00Z")

    async def test_new_timezone_moves_only_recurring_jobs(self, admin: Client, make: Make) -> None:
        user = await make("users")
        daily = await make("cron-jobs", user_id=user["id"], timezone="UTC")
        once = await make(
            "cron-jobs", user_id=user["id"], at=make_future_time(days=1), cron_expression=None
        )

        moved = await admin.patch(f"/cron-jobs/{daily['id']}", json={"timezone": "Asia/Tokyo"})
        response = await admin.patch(f"/cron-jobs/{once['id']}", json={"timezone": "Asia/Tokyo"})

        assert parse_datetime(moved.json()["next_fire_at"]).hour == 0
        assert response.json()["next_fire_at"] == once["next_fire_at"]

    @pytest.mark.usefixtures("frozen_database_clock")
    async def test_a_paused_job_has_no_next_fire(self, admin: Client, make: Make) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        path = f"/cron-jobs/{job['id']}"

        paused = (await admin.patch(path, json={"is_active": False})).json()
        woken = (await admin.patch(path, json={"is_active": True})).json()

        assert paused["next_fire_at"] is None
        assert woken["next_fire_at"] == job["next_fire_at"]

    async def test_the_text_changes_without_the_time(self, admin: Client, make: Make) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        change = {"text": "Cake", "name": "Cake", "priority": "low"}

        changed = (await admin.put(f"/cron-jobs/{job['id']}", json=change)).json()

        assert changed == job | change | {"updated_at": changed["updated_at"]}

    @pytest.mark.parametrize(
        "change",
        [
            {"text": None},
            {"timezone": None},
            {"cron_expression": None},
            {"cron_expression": "x"},
            {"at": "2031-01-01T00:00", "cron_expression": "* * * * *"},
            {"at": "1999-01-01T00:00"},
            {"user_id": str(UUID(int=1))},
            {"chat_id": 7},
        ],
    )
    async def test_a_refused_change_changes_nothing(
        self, admin: Client, make: Make, change: JsonObject
    ) -> None:
        user = await make("users")
        job = await make("cron-jobs", user_id=user["id"])
        path = f"/cron-jobs/{job['id']}"

        assert (await admin.patch(path, json=change)).status_code in (400, 422)
        assert (await admin.get(path)).json() == job

    async def test_a_finished_one_off_is_active_again_with_a_new_time(
        self, admin: Client, make: Make
    ) -> None:
        user = await make("users")
        job = await make(
            "cron-jobs", user_id=user["id"], at=make_future_time(seconds=-5), cron_expression=None
        )
        await admin.post("/cron-jobs/claim")
        path = f"/cron-jobs/{job['id']}"
        assert (await admin.get(path)).json()["is_active"] is False

        revived = (await admin.patch(path, json={"at": make_future_time(hours=1)})).json()

        assert revived["is_active"] is True
        assert parse_datetime(revived["next_fire_at"]) > utc_now()

    async def test_fired_one_off_cannot_be_reactivated_at_same_time(
        self, admin: Client, make: Make
    ) -> None:
        """Otherwise it would look planned and never fire."""
        user = await make("users")
        job = await make(
            "cron-jobs", user_id=user["id"], at=make_future_time(seconds=-5), cron_expression=None
        )
        await admin.post("/cron-jobs/claim")
        path = f"/cron-jobs/{job['id']}"
        over = (await admin.get(path)).json()

        for change in ({"at": job["at"]}, {"is_active": True}):
            refused = await admin.patch(path, json=change)
            assert refused.status_code == 400, change
            assert "fired at" in refused.json()["detail"]
        assert (await admin.get(path)).json() == over
