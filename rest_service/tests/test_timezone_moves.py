"""Jobs follow their users to another time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest_asyncio

from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    make_user_headers,
    make_user_in,
)
from rest_service.tests.claim_helpers import claim_jobs

KEY = "tg:1:500/0"
LISBON, BERLIN, TOKYO = "Europe/Lisbon", "Europe/Berlin", "Asia/Tokyo"


@pytest_asyncio.fixture(loop_scope="session")
async def user(admin: Client, make: Make) -> JsonObject:
    return await make_user_in(admin, make, BERLIN)


async def move(
    service: Client, user: JsonObject, timezone: str | None, key: str = KEY
) -> JsonObject:
    answer = await service.patch(
        f"/users/{user['id']}", json={"timezone": timezone}, headers=make_user_headers(user, key)
    )
    changed: JsonObject = answer.raise_for_status().json()
    return changed


async def read(admin: Client, job: JsonObject) -> tuple[str, str]:
    """Return the zone of a job and the local time of its next fire."""
    found = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    fire = datetime.fromisoformat(found["next_fire_at"]).astimezone(ZoneInfo(found["timezone"]))
    return found["timezone"], f"{fire:%H:%M}"


async def test_recurring_jobs_come_at_the_same_local_time(
    service: Client, admin: Client, make: Make, user: JsonObject
) -> None:
    rule = {"cron_expression": None, "at": "2031-01-03T09:00:00", "rrule": "FREQ=DAILY"}
    daily = await make("cron-jobs", user_id=user["id"])
    ruled = await make("cron-jobs", user_id=user["id"], **rule)
    hourly = await make("cron-jobs", user_id=user["id"], **rule | {"rrule": "FREQ=HOURLY"})
    elsewhere = await make("cron-jobs", user_id=user["id"], timezone=TOKYO)
    once = await make("cron-jobs", user_id=user["id"], **rule | {"rrule": None})

    await move(service, user, LISBON)

    assert await read(admin, daily) == (LISBON, "09:00")
    assert await read(admin, ruled) == (LISBON, "09:00")
    assert (await read(admin, hourly))[0] == BERLIN
    assert await read(admin, elsewhere) == (TOKYO, "09:00")
    assert await read(admin, once) == (BERLIN, "09:00")


async def test_jobs_of_other_users_stay(
    service: Client, admin: Client, make: Make, user: JsonObject
) -> None:
    other = await make_user_in(admin, make, BERLIN)
    once = {"cron_expression": None, "at": "2031-01-03T09:00:00"}
    jobs = [await make("cron-jobs", user_id=other["id"], **fields) for fields in ({}, once)]
    await move(service, user, LISBON)

    headers = make_user_headers(user, "tg:1:501/0")
    moved = await service.post("/cron-jobs/move", json={"user_id": user["id"]}, headers=headers)

    assert moved.json()["items"] == []
    assert [await read(admin, job) for job in jobs] == [(BERLIN, "09:00")] * 2


async def test_change_of_settings_has_a_receipt_and_can_be_undone(
    service: Client, admin: Client, make: Make, user: JsonObject
) -> None:
    daily = await make("cron-jobs", user_id=user["id"])

    effect = (await move(service, user, LISBON))["effect"]
    assert effect["kind"] == "settings_changed"
    assert (effect["before"], effect["after"]) == (
        {"timezone": BERLIN, "language": None},
        {"timezone": LISBON, "language": None},
    )
    undo = make_user_headers(user, "tg:1:501/0")
    undone = await service.post("/effects/undo", json={"user_id": user["id"]}, headers=undo)

    assert undone.json()["undoes"] == effect["id"]
    assert (await admin.get(f"/users/{user['id']}")).json()["timezone"] == BERLIN
    assert await read(admin, daily) == (BERLIN, "09:00")


async def test_unchanged_settings_have_no_receipt(service: Client, user: JsonObject) -> None:
    assert (await move(service, user, BERLIN))["effect"] is None


async def test_first_zone_takes_jobs_of_the_default_along(
    service: Client, admin: Client, make: Make
) -> None:
    newcomer = await make("users")
    daily = await make("cron-jobs", user_id=newcomer["id"])

    await move(service, newcomer, TOKYO)

    assert await read(admin, daily) == (TOKYO, "09:00")


async def test_due_recurring_job_still_fires_after_a_move(
    service: Client, admin: Client, make: Make, sql: Sql, user: JsonObject
) -> None:
    daily = await make("cron-jobs", user_id=user["id"])
    patched = await make("cron-jobs", user_id=user["id"])
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '10 seconds'")
    await move(service, user, TOKYO)
    for change in ({"timezone": LISBON}, {"is_active": True}):
        changed = await admin.patch(f"/cron-jobs/{patched['id']}", json=change)
        assert changed.status_code == 200, changed.text

    claimed = await claim_jobs(service)

    assert {run["job_id"] for run in claimed["runs"]} == {daily["id"], patched["id"]}
    assert await read(admin, daily) == (TOKYO, "09:00")
    assert await read(admin, patched) == (LISBON, "09:00")


async def test_one_off_job_that_is_due_does_not_move(
    service: Client, admin: Client, make: Make, sql: Sql, user: JsonObject
) -> None:
    once = {"cron_expression": None, "at": "2031-01-03T09:00:00"}
    await make("cron-jobs", user_id=user["id"], **once)
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '3 days'")
    await move(service, user, LISBON)

    headers = make_user_headers(user, "tg:1:501/0")
    moved = await service.post("/cron-jobs/move", json={"user_id": user["id"]}, headers=headers)

    assert moved.json()["items"] == []


async def test_one_off_jobs_move_when_asked(
    service: Client, admin: Client, make: Make, user: JsonObject
) -> None:
    once = {"cron_expression": None, "at": "2031-01-03T09:00:00"}
    local = await make("cron-jobs", user_id=user["id"], **once)
    instant = await make("cron-jobs", user_id=user["id"], **once | {"at": "2031-01-03T09:00Z"})
    await move(service, user, LISBON)

    headers = make_user_headers(user, "tg:1:501/0")
    moved = await service.post("/cron-jobs/move", json={"user_id": user["id"]}, headers=headers)

    assert [item["id"] for item in moved.json()["items"]] == [local["id"]]
    assert moved.json()["items"][0]["effect"]["kind"] == "reminder_changed"
    assert await read(admin, local) == (LISBON, "09:00")
    assert (await read(admin, instant))[0] == BERLIN
    again = make_user_headers(user, "tg:1:502/0")
    repeated = await service.post("/cron-jobs/move", json={"user_id": user["id"]}, headers=again)
    assert repeated.json()["items"] == []


async def test_one_off_job_that_is_over_in_the_new_zone_fires_at_once(
    service: Client, admin: Client, make: Make
) -> None:
    """There it is 25 hours later, which is more than a new job may be late."""
    user = await make_user_in(admin, make, "Pacific/Pago_Pago")
    here = ZoneInfo("Pacific/Pago_Pago")
    soon = (datetime.now(here) + timedelta(minutes=2)).replace(tzinfo=None).isoformat()
    job = await make("cron-jobs", user_id=user["id"], cron_expression=None, at=soon)
    await move(service, user, "Pacific/Kiritimati")

    headers = make_user_headers(user, "tg:1:501/0")
    moved = await service.post("/cron-jobs/move", json={"user_id": user["id"]}, headers=headers)

    assert moved.status_code == 200, moved.text
    assert [run["job_id"] for run in (await claim_jobs(service))["runs"]] == [job["id"]]
