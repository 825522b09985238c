"""Creates due jobs and claims their runs."""

from datetime import datetime, timedelta

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.base import utc_now


async def claim_jobs(service: Client, bot_id: int | None = None) -> JsonObject:
    params = {} if bot_id is None else {"bot_id": bot_id}
    answer = await service.post("/cron-jobs/claim", params=params)
    assert answer.status_code == 200, answer.text
    claimed: JsonObject = answer.json()
    return claimed


async def make_due_job(make: Make, user: JsonObject, **fields: object) -> JsonObject:
    """A one-off that should have fired a moment ago."""
    at = (utc_now() - timedelta(seconds=5)).isoformat()
    return await make(
        "cron-jobs", user_id=user["id"], **{"at": at, "cron_expression": None} | fields
    )


async def make_overdue_job(make: Make, sql: Sql, user: JsonObject, **fields: object) -> JsonObject:
    """A recurring job that nobody has claimed for three hours."""
    job = await make("cron-jobs", user_id=user["id"], timezone="UTC", **fields)
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '3 hours'")
    return job


async def read_database_time(sql: Sql) -> datetime:
    """Return the time of Postgres, the clock for planning and claiming."""
    ((now,),) = await sql("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


async def list_runs(admin: Client, job: JsonObject) -> list[JsonObject]:
    return await list_items(admin, f"/cron-jobs/{job['id']}/runs", limit=200)
