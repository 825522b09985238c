"""Archiving the outcome of runs from the stream `turns`."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest_asyncio

from rest_service.app.background.archive_consumer import DEAD_LETTER_STREAM, ArchiveConsumer
from rest_service.tests.api_helpers import Client, Make, list_items
from rest_service.tests.turn_records import add_records, is_stream_empty, make_turn_record
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import CronJobRunRecord
from smart_kit.redis import Redis


class TestRuns:
    @pytest_asyncio.fixture(loop_scope="session")
    async def run_id(self, admin: Client, make: Make) -> UUID:
        user = await make("users")
        at = (utc_now() - timedelta(seconds=5)).isoformat()
        self.job = await make("cron-jobs", user_id=user["id"], at=at, cron_expression=None)
        claim = (await admin.post("/cron-jobs/claim")).json()
        return UUID(claim["runs"][0]["id"])

    async def test_a_delivered_reminder_is_done(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, run_id: UUID
    ) -> None:
        await add_records(redis, CronJobRunRecord(run_id=run_id, state="done", ended_at=utc_now()))
        await archive_reader.run_once(0.01)
        body = {"run_ids": [str(run_id)]}
        await admin.post("/cron-jobs/dispatched", json=body)

        (run,) = await list_items(admin, f"/cron-jobs/{self.job['id']}/runs")
        assert run["state"] == "done"
        assert run["done_at"] is not None

    async def test_undelivered_run_is_failed_until_delivered(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, run_id: UUID
    ) -> None:
        seen = []
        for state in ("failed", "done", "failed"):
            await add_records(
                redis, CronJobRunRecord(run_id=run_id, state=state, ended_at=utc_now())
            )
            await archive_reader.run_once(0.01)
            (run,) = await list_items(admin, f"/cron-jobs/{self.job['id']}/runs")
            seen.append(run["state"])
        assert seen == ["failed", "done", "done"]

    async def test_failure_of_delivered_run_in_one_batch_is_ignored(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, run_id: UUID
    ) -> None:
        start = utc_now()
        for number, state in enumerate(("failed", "done", "failed")):
            ended_at = start + timedelta(seconds=number)
            await add_records(
                redis, CronJobRunRecord(run_id=run_id, state=state, ended_at=ended_at)
            )
        await archive_reader.run_once(0.01)

        (run,) = await list_items(admin, f"/cron-jobs/{self.job['id']}/runs")
        assert run["state"] == "done"
        assert datetime.fromisoformat(run["done_at"]) == start + timedelta(seconds=1)

    async def test_a_prompt_is_done_with_its_turn(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, run_id: UUID
    ) -> None:
        await add_records(redis, make_turn_record(f"run:{run_id}", run_id=run_id))
        await archive_reader.run_once(0.01)

        (run,) = await list_items(admin, f"/cron-jobs/{self.job['id']}/runs")
        assert run["state"] == "done"

    async def test_prompt_is_done_even_if_its_thread_is_deleted(
        self, archive_reader: ArchiveConsumer, redis: Redis, admin: Client, run_id: UUID
    ) -> None:
        await add_records(redis, make_turn_record())
        await archive_reader.run_once(0.01)
        (thread,) = await list_items(admin, "/threads")
        await admin.delete(f"/threads/{thread['id']}")
        await add_records(redis, make_turn_record(f"run:{run_id}", run_id=run_id))
        await archive_reader.run_once(0.01)

        (run,) = await list_items(admin, f"/cron-jobs/{self.job['id']}/runs")
        assert run["state"] == "done"

    async def test_delivery_of_cancelled_job_is_accepted(
        self, archive_reader: ArchiveConsumer, redis: Redis
    ) -> None:
        await add_records(redis, CronJobRunRecord(run_id=uuid4(), state="done", ended_at=utc_now()))
        await archive_reader.run_once(0.01)

        assert await is_stream_empty(redis)
        assert await redis.xlen(DEAD_LETTER_STREAM) == 0
