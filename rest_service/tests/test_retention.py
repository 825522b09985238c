import asyncio

from rest_service.app.background.retention import RetentionJob
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.main import RestService
from rest_service.tests.api_helpers import Client, Make, Sql, make_user_headers
from smart_kit.redis import Redis


async def test_idempotency_key_is_deleted_after_30_days(
    service: Client, make: Make, sessions: SessionFactory, sql: Sql
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], "text": "Tea", "cron_expression": "0 9 * * *"}
    for key in ("new", "old"):
        await service.post("/cron-jobs", json=body, headers=make_user_headers(user, key))
    for key, days in (("new", 29), ("old", 31)):
        await sql(
            f"UPDATE idempotency_keys SET created_at = now() - interval '{days} days'"
            f" WHERE key = '{key}'"
        )

    await RetentionJob(sessions).run_once()

    assert await sql("SELECT key FROM idempotency_keys") == [("new",)]


async def test_service_runs_the_retention_job(
    service: Client, make: Make, settings: Settings, redis: Redis, sql: Sql
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], "text": "Tea", "cron_expression": "0 9 * * *"}
    await service.post("/cron-jobs", json=body, headers=make_user_headers(user, "old"))
    await sql("UPDATE idempotency_keys SET created_at = now() - interval '31 days'")

    running, stop = RestService(settings), asyncio.Event()
    loops = [asyncio.ensure_future(loop(stop)) for loop in running.loops]
    try:
        async with asyncio.timeout(30):
            while await sql("SELECT key FROM idempotency_keys"):
                await asyncio.sleep(0.01)
    finally:
        stop.set()
        await asyncio.gather(*loops)
        await running.close()


async def test_job_survives_outage_and_stops_on_stop_event() -> None:
    tried, stop = asyncio.Event(), asyncio.Event()

    class UnavailableSessions:
        def begin(self) -> None:
            tried.set()
            raise ConnectionRefusedError

    running = asyncio.ensure_future(RetentionJob(UnavailableSessions()).run(stop))  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        await tried.wait()
        stop.set()
        await running
