import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from rest_service.app.database import SessionFactory
from rest_service.app.models import CronJob
from rest_service.app.services.cron_jobs import claims, due_jobs
from rest_service.tests.api_helpers import Client, Make, Sql
from rest_service.tests.claim_helpers import (
    claim_jobs,
    list_runs,
    make_due_job,
    make_overdue_job,
    read_database_time,
)
from smart_kit.contracts.base import utc_now
from smart_kit.redis import Redis


@pytest.mark.usefixtures("one_hour_dispatch_timeout")
async def test_due_job_is_claimed_once_with_all_fields(
    service: Client, admin: Client, make: Make
) -> None:
    user = await make("users", language_code="ru")
    job = await make_due_job(
        make, user, text="Tea", priority="low", timezone="Asia/Tokyo", chat_id=-100
    )

    first, second = await claim_jobs(service), await claim_jobs(service)

    (run,) = first["runs"]
    assert second["runs"] == []
    assert run == {
        "id": run["id"],
        "job_id": job["id"],
        "type": "reminder",
        "text": "Tea",
        "chat_id": -100,
        "telegram_id": user["telegram_id"],
        "language_code": "ru",
        "timezone": "Asia/Tokyo",
        "priority": "low",
        "scheduled_for": job["at"],
        "missed_count": 0,
        "first_missed_at": None,
        "is_skipped": False,
    }
    after = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    assert (after["is_active"], after["next_fire_at"], after["at"]) == (False, None, job["at"])
    (stored,) = await list_runs(admin, job)
    assert (stored["id"], stored["state"]) == (run["id"], "claimed")


async def test_response_contains_next_fire_time(service: Client, make: Make, sql: Sql) -> None:
    assert (await claim_jobs(service))["next_fire_at"] is None
    user = await make("users")
    later = await make_due_job(make, user, at=(utc_now() + timedelta(hours=2)).isoformat())
    sooner = await make_due_job(make, user, at=(utc_now() + timedelta(hours=1)).isoformat())

    before = await read_database_time(sql)
    claimed = await claim_jobs(service)
    after = await read_database_time(sql)

    assert sooner["next_fire_at"] < later["next_fire_at"]
    assert claimed["next_fire_at"] == sooner["next_fire_at"]
    assert before <= datetime.fromisoformat(claimed["now"]) <= after


@pytest.mark.usefixtures("one_hour_dispatch_timeout")
async def test_concurrent_claimers_share_runs_without_duplicates(
    service: Client, make: Make
) -> None:
    user = await make("users")
    jobs = {(await make_due_job(make, user))["id"] for _ in range(20)}

    answers = await asyncio.gather(*(claim_jobs(service) for _ in range(6)))

    claimed = [run["job_id"] for answer in answers for run in answer["runs"]]
    assert sorted(claimed) == sorted(jobs)


async def test_claim_does_not_wait_for_or_undo_changes(
    service: Client, make: Make, sessions: SessionFactory
) -> None:
    job = await make_due_job(make, await make("users"))
    async with sessions.begin() as session:
        row = await session.get(CronJob, UUID(job["id"]))
        assert row is not None
        row.next_fire_at = datetime(2031, 1, 1, tzinfo=UTC)
        await session.flush()
        async with asyncio.timeout(60):
            assert (await claim_jobs(service))["runs"] == []

    after = await claim_jobs(service)
    assert (after["runs"], after["next_fire_at"]) == ([], "2031-01-01T00:00:00Z")


@pytest.mark.usefixtures("one_hour_dispatch_timeout")
async def test_excess_runs_come_with_the_next_claim(service: Client, make: Make) -> None:
    user = await make("users")
    for _ in range(100):
        await make_due_job(make, user)
    other = await make("users")
    for _ in range(30):
        await make_due_job(make, other)

    first = await claim_jobs(service)
    second = await claim_jobs(service)

    assert (len(first["runs"]), len(second["runs"])) == (100, 30)
    assert first["next_fire_at"] == first["now"], "ask again at once"
    assert second["next_fire_at"] > second["now"]


async def test_late_recurring_job_fires_once_and_records_misses(
    service: Client, admin: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    job = await make_overdue_job(make, sql, user, cron_expression="*/10 * * * *")

    claimed = await claim_jobs(service)

    (run,) = claimed["runs"]
    runs = await list_runs(admin, job)
    assert [item["state"] for item in runs] == ["claimed"] + ["missed"] * (len(runs) - 1)
    assert len(runs) in (18, 19)
    assert run["scheduled_for"] == runs[0]["scheduled_for"]
    now, each = datetime.fromisoformat(claimed["now"]), timedelta(minutes=10)
    fired_at = datetime.fromisoformat(run["scheduled_for"])
    assert timedelta() <= now - fired_at < each
    after = (await admin.get(f"/cron-jobs/{job['id']}")).json()
    assert datetime.fromisoformat(after["next_fire_at"]) == fired_at + each


async def test_claim_after_a_long_outage_leaves_jobs_to_the_next_one(
    service: Client, make: Make, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_jobs, "MAX_RUNS_PER_CLAIM", 2)
    user = await make("users")
    for _ in range(2):
        await make_overdue_job(make, sql, user, cron_expression="0 * * * *")

    first, second = await claim_jobs(service), await claim_jobs(service)

    assert [len(claimed["runs"]) for claimed in (first, second)] == [1, 1]
    assert first["next_fire_at"] == first["now"], "another claim is to follow at once"


async def test_long_outage_records_each_missed_run_of_a_week_of_minutes(
    service: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    await make_overdue_job(make, sql, user, cron_expression="* * * * *")
    await sql("UPDATE cron_jobs SET next_fire_at = now() - interval '400 days'")

    (run,) = (await claim_jobs(service))["runs"]

    scheduled_for = datetime.fromisoformat(run["scheduled_for"])
    assert run["missed_count"] == 7 * 24 * 60
    assert datetime.fromisoformat(run["first_missed_at"]) == scheduled_for - timedelta(days=7)
    ((missed,),) = await sql("SELECT count(*) FROM cron_job_runs WHERE state = 'missed'")
    assert missed == run["missed_count"]


class TestNextClaim:
    async def test_next_claim_is_when_another_claim_times_out(
        self, service: Client, make: Make, sql: Sql
    ) -> None:
        """The runs of a claimer that dies do not wait for the next minute."""
        await make_due_job(make, await make("users"))
        first = await claim_jobs(service)
        # so that a slow machine does not hand it out again at once
        await sql("UPDATE cron_job_runs SET claimed_at = claimed_at + interval '1 hour'")
        other = await claim_jobs(service)

        assert first["next_fire_at"] is None, "the claimer of the run does not wait for it"
        forgotten_at = (
            datetime.fromisoformat(first["now"]) + timedelta(hours=1) + claims.DISPATCH_TIMEOUT
        )
        assert datetime.fromisoformat(other["next_fire_at"]) == forgotten_at
        await sql("UPDATE cron_job_runs SET state = 'dispatched'")
        assert (await claim_jobs(service))["next_fire_at"] is None

    async def test_next_claim_is_soon_during_another_claim(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        job = await make_due_job(make, await make("users"))
        async with sessions.begin() as session:
            await session.get(CronJob, UUID(job["id"]), with_for_update=True)
            claimed = await claim_jobs(service)

        wait = datetime.fromisoformat(claimed["next_fire_at"]) - datetime.fromisoformat(
            claimed["now"]
        )
        assert (claimed["runs"], wait) == ([], claims.DISPATCH_TIMEOUT)


async def test_a_paused_or_cancelled_job_is_not_claimed(
    service: Client, admin: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    paused, cancelled, paused_by_hand = [await make_due_job(make, user) for _ in range(3)]
    await admin.patch(f"/cron-jobs/{paused['id']}", json={"is_active": False})
    await admin.delete(f"/cron-jobs/{cancelled['id']}")
    await sql(f"UPDATE cron_jobs SET is_active = false WHERE id = '{paused_by_hand['id']}'")

    assert (await claim_jobs(service))["runs"] == []


async def test_undispatched_run_is_claimed_again(
    service: Client, make: Make, sql: Sql, one_hour_dispatch_timeout: timedelta
) -> None:
    await make_due_job(make, await make("users"))
    first = await claim_jobs(service)
    assert (await claim_jobs(service))["runs"] == []
    await sql(
        f"UPDATE cron_job_runs SET claimed_at = now() - interval '{one_hour_dispatch_timeout}'"
    )

    assert (await claim_jobs(service))["runs"] == first["runs"]
    assert (await claim_jobs(service))["runs"] == [], "only one claimer takes them over"
    body = {"run_ids": [first["runs"][0]["id"]]}
    assert (await service.post("/cron-jobs/dispatched", json=body)).status_code == 204
    assert (await claim_jobs(service))["runs"] == []


async def test_dispatching_is_recorded_once_and_unknown_runs_have_no_effect(
    service: Client, admin: Client, make: Make
) -> None:
    job = await make_due_job(make, await make("users"))
    (run,) = (await claim_jobs(service))["runs"]
    body = {"run_ids": [run["id"], "11111111-1111-1111-1111-111111111111"]}

    for _ in range(2):
        assert (await service.post("/cron-jobs/dispatched", json=body)).status_code == 204

    (stored,) = await list_runs(admin, job)
    assert stored["state"] == "dispatched"
    assert stored["dispatched_at"] is not None
    assert (await service.post("/cron-jobs/dispatched", json={"run_ids": []})).status_code == 204


async def test_invalid_job_stops_without_delaying_others(
    service: Client, admin: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    broken = await make_overdue_job(make, sql, user, cron_expression="0 9 * * *")
    await sql("UPDATE cron_jobs SET cron_expression = 'never'")
    good = await make_due_job(make, user)

    claimed = await claim_jobs(service)

    assert [run["job_id"] for run in claimed["runs"]] == [good["id"]]
    assert (await admin.get(f"/cron-jobs/{broken['id']}")).json()["is_active"] is False


async def test_job_changes_are_announced(
    admin: Client, service: Client, make: Make, redis: Redis
) -> None:
    user = await make("users")
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("cron:changed")
        await pubsub.get_message(timeout=30)  # the subscription
        job = await make_due_job(make, user)
        assert (await pubsub.get_message(timeout=30)) is not None
        await claim_jobs(service)
        await admin.get(f"/cron-jobs/{job['id']}")
        await redis.publish("cron:changed", "the next one")
        assert (await pubsub.get_message(timeout=30))["data"] == "the next one", "not the claim"
        await admin.delete(f"/cron-jobs/{job['id']}")
        assert (await pubsub.get_message(timeout=30)) is not None
