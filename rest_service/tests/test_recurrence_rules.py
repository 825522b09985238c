"""Jobs with a rule, jobs at local times, and their next fires."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rest_service.tests.api_helpers import (
    Client,
    JsonObject,
    Make,
    Sql,
    make_user_headers,
    make_user_in,
)
from rest_service.tests.claim_helpers import claim_jobs, list_runs
from smart_kit.contracts.base import utc_now

BIWEEKLY = "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def make_rule(make: Make, user: JsonObject, **fields: object) -> JsonObject:
    """Every second Friday at nine in Berlin, from 3 January 2031 on."""
    body = {
        "at": "2031-01-03T09:00:00",
        "rrule": BIWEEKLY,
        "timezone": "Europe/Berlin",
        "cron_expression": None,
    }
    return await make("cron-jobs", user_id=user["id"], **body | fields)


async def list_next(admin: Client, job: JsonObject, **params: object) -> list[str]:
    answer = await admin.get(f"/cron-jobs/{job['id']}/next", params=params)
    items: list[str] = answer.raise_for_status().json()["items"]
    return items


async def test_rule_counts_from_its_local_start(admin: Client, make: Make) -> None:
    job = await make_rule(make, await make("users"))

    assert (job["rrule"], job["local_at"]) == (BIWEEKLY, "2031-01-03T09:00:00")
    assert parse(job["next_fire_at"]) == datetime(2031, 1, 3, 8, tzinfo=UTC)
    zone = ZoneInfo("Europe/Berlin")
    fires = [parse(text).astimezone(zone) for text in await list_next(admin, job, count=8)]
    assert [(fire.hour, fire.weekday()) for fire in fires] == [(9, 4)] * 8
    days = {later.date() - fire.date() for fire, later in pairwise(fires)}
    assert days == {timedelta(days=14)}
    assert len({fire.utcoffset() for fire in fires}) == 2, "summer time begins meanwhile"


async def test_start_of_a_rule_may_have_an_offset(make: Make) -> None:
    job = await make_rule(make, await make("users"), at="2031-01-03T08:00:00Z")

    assert job["local_at"] == "2031-01-03T09:00:00"


async def test_next_fires_of_other_jobs(admin: Client, make: Make) -> None:
    user = await make("users")
    once = await make(
        "cron-jobs", user_id=user["id"], at="2031-01-03T08:00:00Z", cron_expression=None
    )
    paused = await make("cron-jobs", user_id=user["id"], is_active=False)

    assert await list_next(admin, once) == ["2031-01-03T08:00:00Z"]
    assert await list_next(admin, paused) == []
    assert len(await list_next(admin, await make("cron-jobs", user_id=user["id"]))) == 10


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rrule": "FREQ=DAILY"}, "rrule needs at"),
        ({"rrule": "FREQ=DAILY", "cron_expression": "0 9 * * *"}, "rrule needs at"),
        (
            {"rrule": "FREQ=DAILY", "at": "2031-01-01T09:00", "cron_expression": "0 9 * * *"},
            "exactly one of at and cron_expression",
        ),
        ({"rrule": "FREQ=NEVER", "at": "2031-01-01T09:00"}, "FREQ has no valid value"),
        ({"rrule": "FREQ=DAILY", "at": "2001-01-01T09:00"}, "more than a year ago"),
        ({}, "exactly one of at and cron_expression"),
    ],
)
async def test_unusable_schedule_is_refused_with_the_reason(
    admin: Client, make: Make, fields: JsonObject, reason: str
) -> None:
    user = await make("users")
    answer = await admin.post("/cron-jobs", json={"user_id": user["id"], "text": "x"} | fields)

    assert answer.status_code == 400
    assert reason in answer.json()["detail"]


async def test_changes_of_a_rule(admin: Client, make: Make) -> None:
    job = await make_rule(make, await make("users"))
    path = f"/cron-jobs/{job['id']}"

    weekly = (await admin.patch(path, json={"rrule": "FREQ=WEEKLY"})).json()
    assert (weekly["rrule"], weekly["local_at"]) == ("FREQ=WEEKLY", job["local_at"])
    later = {"rrule": "FREQ=WEEKLY", "local_at": "2031-01-04T10:00:00"}
    moved = (await admin.patch(path, json=later)).json()
    assert parse(moved["next_fire_at"]) == datetime(2031, 1, 4, 9, tzinfo=UTC)
    cron = (await admin.patch(path, json={"cron_expression": "0 9 * * *"})).json()
    assert (cron["rrule"], cron["at"], cron["local_at"]) == (None, None, None)
    answer = await admin.patch(path, json={"rrule": "FREQ=WEEKLY"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "rrule needs at, the time at which it starts.",
    )


async def test_due_rule_fires_once_and_advances(
    service: Client, admin: Client, make: Make, sql: Sql
) -> None:
    start = (utc_now() - timedelta(days=20)).replace(microsecond=0, tzinfo=None)
    rule = {"rrule": "FREQ=DAILY;INTERVAL=7", "at": start.isoformat(), "timezone": "UTC"}
    job = await make_rule(make, await make("users"), **rule)
    await sql("UPDATE cron_jobs SET next_fire_at = next_fire_at - interval '14 days'")

    (run,) = (await claim_jobs(service))["runs"]

    assert parse(run["scheduled_for"]) == (start + timedelta(days=14)).replace(tzinfo=UTC)
    assert run["missed_count"] == 1
    after = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    assert parse(after["next_fire_at"]) == (start + timedelta(days=21)).replace(tzinfo=UTC)
    assert [one["state"] for one in await list_runs(admin, job)] == ["claimed", "missed"]


async def test_undo_restores_local_times(service: Client, admin: Client, make: Make) -> None:
    user = await make_user_in(admin, make, "Europe/Berlin")
    job = await make_rule(make, user)
    path = f"/cron-jobs/{job['id']}"
    for number, (method, body) in enumerate(
        (("PATCH", {"cron_expression": "0 9 * * *"}), ("DELETE", None))
    ):
        headers = make_user_headers(user, f"tg:1:7{number}/1.0")
        await service.request(method, path, json=body, headers=headers)
        undo = make_user_headers(user, f"tg:1:8{number}/0")
        await service.post("/effects/undo", json={"user_id": user["id"]}, headers=undo)

        restored = (await admin.get(path)).json()
        for name in ("at", "local_at", "rrule", "cron_expression", "next_fire_at"):
            assert restored[name] == job[name], (method, name)


async def test_due_jobs_are_listed_in_their_order(
    service: Client, admin: Client, make: Make
) -> None:
    user, blocked = await make("users"), await make("users")
    await admin.patch(f"/users/{blocked['id']}", json={"status": "blocked"})
    soon = {"cron_expression": None, "user_id": user["id"]}
    jobs = [
        await make("cron-jobs", **soon, at=(utc_now() + timedelta(seconds=seconds)).isoformat())
        for seconds in (50, 10, 120)
    ]
    await make("cron-jobs", **soon | {"user_id": blocked["id"]}, at=utc_now().isoformat())
    until = (utc_now() + timedelta(seconds=60)).isoformat()

    page = (await service.get("/cron-jobs", params={"due_before": until, "limit": 1000})).json()
    assert [item["id"] for item in page["items"]] == [jobs[1]["id"], jobs[0]["id"]]
    own = {"headers": make_user_headers(await make("users")), "params": {"due_before": until}}
    assert (await service.get("/cron-jobs", **own)).json()["total"] == 0
    assert (await service.get("/cron-jobs")).status_code == 400, "X-User-Id is missing"


async def test_jobs_that_have_fired_since_a_time(service: Client, make: Make) -> None:
    user = await make("users")
    times = [(utc_now() - timedelta(hours=hours)).isoformat() for hours in (3, 1)]
    jobs = [
        await make("cron-jobs", user_id=user["id"], at=at, cron_expression=None) for at in times
    ]
    await claim_jobs(service)
    since = (utc_now() - timedelta(hours=2)).isoformat()

    answer = await service.get(
        "/cron-jobs",
        params={"is_active": "false", "fired_since": since, "user_id": user["id"]},
        headers=make_user_headers(user),
    )

    assert [item["id"] for item in answer.json()["items"]] == [jobs[1]["id"]]
