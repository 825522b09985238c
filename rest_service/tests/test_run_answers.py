"""The buttons under a delivered reminder: done, and again later."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    make_user_headers,
    make_user_in,
)
from rest_service.tests.claim_helpers import claim_jobs, list_runs, make_due_job
from smart_kit.contracts.base import utc_now

TOKYO = ZoneInfo("Asia/Tokyo")
KEY = "tg:1:500/0"


@pytest_asyncio.fixture(loop_scope="session")
async def user(admin: Client, make: Make) -> JsonObject:
    return await make_user_in(admin, make, "Asia/Tokyo")


@pytest_asyncio.fixture(loop_scope="session")
async def run(service: Client, make: Make, user: JsonObject) -> JsonObject:
    """A delivered reminder of the user."""
    await make_due_job(make, user, text="Stretch", priority="low")
    (claimed,) = (await claim_jobs(service))["runs"]
    found: JsonObject = claimed
    return found


async def post(
    service: Client, user: JsonObject, path: str, key: str = KEY, **body: object
) -> tuple[int, JsonObject]:
    answer = await service.post(
        f"/cron-jobs/runs/{path}", json=body or None, headers=make_user_headers(user, key)
    )
    return answer.status_code, answer.json()


async def test_snooze_adds_a_one_off_with_a_receipt(
    service: Client, admin: Client, user: JsonObject, run: JsonObject
) -> None:
    status, job = await post(service, user, f"{run['id']}/snooze", minutes=10)

    assert (status, job["type"], job["text"], job["priority"]) == (
        201,
        "reminder",
        "Stretch",
        "low",
    )
    ahead = datetime.fromisoformat(job["next_fire_at"]) - utc_now()
    assert timedelta(minutes=9) < ahead <= timedelta(minutes=10)
    assert (job["effect"]["kind"], job["local_at"]) == ("reminder_created", None)
    (stored,) = await list_runs(admin, {"id": run["job_id"]})
    assert stored["snoozed_job_id"] == job["id"]


async def test_delivered_reminder_can_be_snoozed_at_the_limit_of_jobs(
    service: Client, make: Make, user: JsonObject, run: JsonObject
) -> None:
    jobs = [await make("cron-jobs", user_id=user["id"]) for _ in range(100)]

    status, _ = await post(service, user, f"{run['id']}/snooze", minutes=10)

    assert (status, len(jobs)) == (201, 100)


async def test_tomorrow_is_the_same_local_time_on_the_day_after_the_press(
    service: Client, sql: Sql, user: JsonObject, run: JsonObject
) -> None:
    await sql("UPDATE cron_job_runs SET scheduled_for = '2026-01-10T00:30:15Z'")
    before = datetime.now(TOKYO).date()
    _, job = await post(service, user, f"{run['id']}/snooze", tomorrow=True)

    days = {day + timedelta(days=1) for day in (before, datetime.now(TOKYO).date())}
    assert job["local_at"] in {f"{day}T09:30:00" for day in days}
    assert job["timezone"] == "Asia/Tokyo"


async def test_done_is_recorded_once(
    service: Client, admin: Client, user: JsonObject, run: JsonObject
) -> None:
    status, first = await post(service, user, f"{run['id']}/acknowledge")
    _, second = await post(service, user, f"{run['id']}/acknowledge", key="tg:1:501/0")

    assert status == 200
    assert first["acknowledged_at"] == second["acknowledged_at"] is not None
    (stored,) = await list_runs(admin, {"id": run["job_id"]})
    assert stored["acknowledged_at"] == first["acknowledged_at"]


@pytest.mark.parametrize(
    ("first", "second", "detail"),
    [
        ("acknowledge", "snooze", "The reminder has been answered before."),
        ("snooze", "snooze", "The reminder has been answered before."),
        ("snooze", "acknowledge", "The user has already chosen to be reminded again."),
    ],
)
async def test_second_answer_is_refused_and_changes_nothing(
    service: Client,
    admin: Client,
    user: JsonObject,
    run: JsonObject,
    first: str,
    second: str,
    detail: str,
) -> None:
    bodies: dict[str, JsonObject] = {"acknowledge": {}, "snooze": {"minutes": 10}}
    await post(service, user, f"{run['id']}/{first}", **bodies[first])
    before = (await admin.get("/cron-jobs")).json()["total"]

    answer = await post(service, user, f"{run['id']}/{second}", key="tg:1:501/0", **bodies[second])

    assert (answer[0], answer[1]["detail"]) == (409, detail)
    assert (await admin.get("/cron-jobs")).json()["total"] == before


async def test_repeated_press_with_the_same_key_gets_the_same_job(
    service: Client, user: JsonObject, run: JsonObject
) -> None:
    first = await post(service, user, f"{run['id']}/snooze", minutes=10)

    assert await post(service, user, f"{run['id']}/snooze", minutes=10) == first


async def test_runs_of_others_do_not_exist(service: Client, make: Make, run: JsonObject) -> None:
    other = await make("users")
    unknown = uuid4()

    for run_id in (run["id"], unknown):
        status, body = await post(service, other, f"{run_id}/snooze", minutes=10)
        assert (status, body["detail"]) == (404, f"There is no run {run_id}.")


@pytest.mark.parametrize(
    "body", [{}, {"minutes": 10, "tomorrow": True}, {"minutes": 0}, {"minutes": 10_081}]
)
async def test_invalid_snooze_is_refused(
    service: Client, user: JsonObject, run: JsonObject, body: JsonObject
) -> None:
    answer = await service.post(
        f"/cron-jobs/runs/{run['id']}/snooze", json=body, headers=make_user_headers(user, KEY)
    )
    assert answer.status_code == 422
