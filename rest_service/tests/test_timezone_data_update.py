"""After an update of the time zone database, jobs come at the local times that were wanted."""

from datetime import UTC, datetime, timedelta

import pytest

from rest_service.app.database import SessionFactory
from rest_service.app.services.cron_jobs import timezone_data_update
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql

ONCE = {"cron_expression": None, "timezone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone_data_update, "BATCH_SIZE", 2)


async def read_next_fire(admin: Client, job: JsonObject) -> datetime | None:
    fire = (await admin.get(f"/cron-jobs/{job['id']}")).json()["next_fire_at"]
    return None if fire is None else datetime.fromisoformat(fire)


async def shift_times(sql: Sql) -> None:
    """Let all jobs have the times of an older database, in which Berlin was an hour ahead."""
    await sql(
        "UPDATE cron_jobs SET next_fire_at = next_fire_at - interval '1 hour',"
        " at = CASE WHEN local_at IS NULL THEN at ELSE at - interval '1 hour' END"
    )
    await sql("UPDATE clock_state SET tzdata_version = '2000a'")


async def test_times_are_computed_again(
    admin: Client, make: Make, sql: Sql, sessions: SessionFactory
) -> None:
    user = await make("users")
    start = {"at": "2031-01-03T09:00:00", "user_id": user["id"]}
    local = await make("cron-jobs", **ONCE | start)
    rule = await make("cron-jobs", **ONCE | start, rrule="FREQ=DAILY")
    cron = await make("cron-jobs", user_id=user["id"], cron_expression="0 9 3 1 *")
    instant = await make("cron-jobs", **ONCE | start | {"at": "2031-01-03T08:00Z"})
    paused = await make("cron-jobs", **ONCE | start, is_active=False)
    wanted = [await read_next_fire(admin, job) for job in (local, rule, cron)]
    await shift_times(sql)

    assert await timezone_data_update.recompute_jobs(sessions)

    assert [await read_next_fire(admin, job) for job in (local, rule, cron)] == wanted
    assert await read_next_fire(admin, instant) == datetime(2031, 1, 3, 8, tzinfo=UTC)
    assert await read_next_fire(admin, paused) is None
    assert not await timezone_data_update.recompute_jobs(sessions), "the version is stored"


async def test_job_that_cannot_be_computed_stays_as_it_is(
    admin: Client, make: Make, sql: Sql, sessions: SessionFactory
) -> None:
    """It must not keep rest_service from starting, nor others from being computed."""
    user = await make("users")
    broken = await make("cron-jobs", user_id=user["id"])
    good = await make("cron-jobs", user_id=user["id"])
    wanted = [await read_next_fire(admin, job) for job in (broken, good)]
    await shift_times(sql)
    await sql(f"UPDATE cron_jobs SET timezone = 'Mars/Olympus' WHERE id = '{broken['id']}'")

    assert await timezone_data_update.recompute_jobs(sessions)

    stored = await sql("SELECT id, next_fire_at FROM cron_jobs")
    fires = {str(job_id): fire for job_id, fire in stored}
    assert wanted[0] is not None
    assert fires[broken["id"]] == wanted[0] - timedelta(hours=1)
    assert fires[good["id"]] == wanted[1]


async def test_due_jobs_stay_due(
    admin: Client, make: Make, sql: Sql, sessions: SessionFactory
) -> None:
    user = await make("users")
    job = await make("cron-jobs", user_id=user["id"])
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '3 hours'")
    before = await read_next_fire(admin, job)
    await sql("UPDATE clock_state SET tzdata_version = '2000a'")

    assert not await timezone_data_update.recompute_jobs(sessions)

    assert await read_next_fire(admin, job) == before
