"""The runs and order of a claim, and the time of the next one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from rest_service.app.database import SessionFactory
from rest_service.app.models import CronJob, CronJobRun, User
from rest_service.app.services.cron_jobs import claims
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql
from rest_service.tests.claim_helpers import (
    claim_jobs,
    list_runs,
    make_due_job,
    make_overdue_job,
    read_database_time,
)
from smart_kit.contracts.base import utc_now

LATER = datetime(2031, 1, 1, tzinfo=UTC)


def get_wait(claimed: JsonObject) -> timedelta:
    """Return the seconds until the next claim."""
    return datetime.fromisoformat(claimed["next_fire_at"]) - datetime.fromisoformat(claimed["now"])


async def add_jobs(sessions: SessionFactory, user: JsonObject, *times: datetime) -> None:
    """Insert many one-offs directly."""
    async with sessions.begin() as session:
        session.add_all(
            CronJob(
                user_id=UUID(user["id"]),
                type="reminder",
                name="Tea",
                text="Tea",
                at=at,
                timezone="UTC",
                chat_id=1,
                next_fire_at=at,
            )
            for at in times
        )


async def add_runs(sessions: SessionFactory, job: JsonObject, count: int) -> None:
    """Insert runs that were claimed a minute ago and not dispatched."""
    then = utc_now() - timedelta(minutes=1)
    async with sessions.begin() as session:
        session.add_all(
            CronJobRun(
                job_id=UUID(job["id"]),
                scheduled_for=then - timedelta(minutes=number),
                claimed_at=then,
            )
            for number in range(count)
        )


class TestOrder:
    async def test_earliest_due_run_is_claimed_first(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        now = utc_now()
        times = [now - timedelta(minutes=minutes) for minutes in (3, 9, 1, 7, 5)]
        await add_jobs(sessions, await make("users"), *times)

        runs = (await claim_jobs(service))["runs"]

        assert [datetime.fromisoformat(run["scheduled_for"]) for run in runs] == sorted(times)

    async def test_simultaneous_runs_are_ordered_by_id(
        self, service: Client, make: Make, sessions: SessionFactory, sql: Sql
    ) -> None:
        """A repeated claim gets the runs in the same order."""
        await add_jobs(sessions, await make("users"), *[utc_now() - timedelta(minutes=1)] * 12)
        first = await claim_jobs(service)
        ids = [run["id"] for run in first["runs"]]
        assert ids == sorted(ids)

        await sql("UPDATE cron_job_runs SET claimed_at = claimed_at - interval '11 s'")
        assert (await claim_jobs(service))["runs"] == first["runs"]

    @pytest.mark.usefixtures("one_hour_dispatch_timeout")
    async def test_latest_runs_wait_when_a_claim_is_full(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        now = utc_now()
        late = [now - timedelta(seconds=1)] * 3
        await add_jobs(sessions, await make("users"), *late, *[now - timedelta(minutes=1)] * 100)

        first, second = await claim_jobs(service), await claim_jobs(service)

        assert len(first["runs"]) == 100
        assert [datetime.fromisoformat(run["scheduled_for"]) for run in second["runs"]] == late

    @pytest.mark.parametrize(("count", "is_all"), [(99, True), (100, False)])
    async def test_full_claim_asks_for_another_immediately(
        self, service: Client, make: Make, sessions: SessionFactory, count: int, is_all: bool
    ) -> None:
        await add_jobs(sessions, await make("users"), *[utc_now() - timedelta(minutes=1)] * count)
        claimed = await claim_jobs(service)
        assert claimed["next_fire_at"] == (None if is_all else claimed["now"])

    async def test_at_most_100_forgotten_runs_are_reclaimed(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        job = await make("cron-jobs", user_id=(await make("users"))["id"])
        await add_runs(sessions, job, 201)
        assert len((await claim_jobs(service))["runs"]) == 100


class TestFires:
    async def test_prompt_run_has_type_prompt(self, service: Client, make: Make) -> None:
        await make_due_job(make, await make("users"), type="prompt")
        (run,) = (await claim_jobs(service))["runs"]
        assert run["type"] == "prompt"

    async def test_planned_time_fires_even_if_rule_excludes_it(
        self, service: Client, admin: Client, make: Make, sql: Sql
    ) -> None:
        """For example after a change of the rules of its time zone."""
        rule = f"0 0 {(utc_now().day + 13) % 28 + 1} * *"  # in about two weeks
        job = await make_overdue_job(make, sql, await make("users"), cron_expression=rule)
        planned = (await admin.get(f"/cron-jobs/{job['id']}")).json()["next_fire_at"]

        (run,) = (await claim_jobs(service))["runs"]

        assert run["scheduled_for"] == planned
        after = (await admin.get(f"/cron-jobs/{job['id']}")).json()
        assert (after["is_active"], after["next_fire_at"]) == (True, job["next_fire_at"])

    async def test_missed_runs_are_never_claimed(
        self, service: Client, admin: Client, make: Make, sql: Sql
    ) -> None:
        job = await make_overdue_job(make, sql, await make("users"), cron_expression="0 * * * *")
        (run,) = (await claim_jobs(service))["runs"]
        await sql("UPDATE cron_job_runs SET claimed_at = claimed_at - interval '1 minute'")
        await sql(f"UPDATE cron_jobs SET next_fire_at = '{LATER}'")  # the next hour may begin now

        assert [item["id"] for item in (await claim_jobs(service))["runs"]] == [run["id"]]

        missed = [item for item in await list_runs(admin, job) if item["id"] != run["id"]]
        assert {item["state"] for item in missed} == {"missed"}
        assert len(missed) in (2, 3)

    @pytest.mark.usefixtures("one_hour_dispatch_timeout")
    async def test_already_fired_time_is_not_fired_again(
        self, service: Client, admin: Client, make: Make, sql: Sql
    ) -> None:
        job = await make_due_job(make, await make("users"))
        await claim_jobs(service)
        await sql("UPDATE cron_jobs SET is_active = true, next_fire_at = at")

        claimed = await claim_jobs(service)

        assert claimed["runs"] == []
        assert len(await list_runs(admin, job)) == 1
        assert (await admin.get(f"/cron-jobs/{job['id']}")).json()["is_active"] is False

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            ("cron_expression = 'never'", "CronSimError: Wrong number of fields"),
            ("timezone = 'America'", "IsADirectoryError: "),
            ("timezone = 'No/Where'", "ZoneInfoNotFoundError: 'No time zone found with key No/W"),
        ],
    )
    async def test_invalid_schedule_is_logged_as_error(
        self, service: Client, admin: Client, make: Make, sql: Sql, damage: str, reason: str
    ) -> None:
        job = await make_overdue_job(make, sql, await make("users"), cron_expression="0 9 * * *")
        await sql(f"UPDATE cron_jobs SET {damage}")

        with capture_logs() as lines:
            claimed = await claim_jobs(service)

        assert (claimed["runs"], claimed["next_fire_at"]) == ([], None)
        (line,) = [line for line in lines if line["log_level"] == "error"]
        assert line["event"] == "cron job deactivated: schedule invalid"
        assert line["job_id"] == UUID(job["id"])
        assert line["reason"].startswith(reason)
        assert await list_runs(admin, job) == []


class TestConcurrentClaims:
    async def test_locked_user_does_not_delay_claims(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        user = await make("users")
        await make_due_job(make, user)
        async with sessions.begin() as session:
            await session.get(User, UUID(user["id"]), with_for_update=True)
            async with asyncio.timeout(60):
                assert len((await claim_jobs(service))["runs"]) == 1


class TestDispatched:
    async def test_only_named_runs_become_dispatched_once(
        self, service: Client, admin: Client, make: Make, sql: Sql
    ) -> None:
        user = await make("users")
        job = await make_overdue_job(make, sql, user, cron_expression="0 * * * *")
        other = await make_due_job(make, user)
        runs = {run["job_id"]: run for run in (await claim_jobs(service))["runs"]}
        missed = next(item for item in await list_runs(admin, job) if item["state"] == "missed")
        body = {"run_ids": [runs[job["id"]]["id"], missed["id"], str(uuid4())]}

        noted = []
        for _ in range(2):
            (await service.post("/cron-jobs/dispatched", json=body)).raise_for_status()
            noted.append(await list_runs(admin, job))

        assert noted[0] == noted[1]
        newest, *older = noted[0]
        assert newest["state"] == "dispatched"
        assert newest["dispatched_at"] is not None
        assert {(item["state"], item["dispatched_at"]) for item in older} == {("missed", None)}
        assert [item["state"] for item in await list_runs(admin, other)] == ["claimed"]


class TestNextClaim:
    async def test_next_claim_is_earlier_of_fire_and_timeout(
        self, service: Client, make: Make, sql: Sql, one_hour_dispatch_timeout: timedelta
    ) -> None:
        user = await make("users")
        await make_due_job(make, user)
        first = await claim_jobs(service)
        forgotten_at = datetime.fromisoformat(first["now"]) + one_hour_dispatch_timeout

        later = await make_due_job(make, user, at=LATER.isoformat())
        claimed = await claim_jobs(service)
        assert datetime.fromisoformat(claimed["next_fire_at"]) == forgotten_at

        await sql(
            f"UPDATE cron_jobs SET next_fire_at = '{forgotten_at}' WHERE id = '{later['id']}'"
        )
        await sql("UPDATE cron_job_runs SET claimed_at = claimed_at + interval '1 minute'")
        claimed = await claim_jobs(service)
        assert datetime.fromisoformat(claimed["next_fire_at"]) == forgotten_at

    async def test_next_claim_is_when_oldest_claim_times_out(
        self, service: Client, make: Make, sql: Sql, one_hour_dispatch_timeout: timedelta
    ) -> None:
        user = await make("users")
        for _ in range(3):
            await make_due_job(make, user)
        claimed_at = datetime.fromisoformat((await claim_jobs(service))["now"])
        await sql(
            "UPDATE cron_job_runs SET claimed_at = claimed_at + interval '1 minute'"
            " WHERE id <> (SELECT max(id::text)::uuid FROM cron_job_runs)"
        )
        claimed = await claim_jobs(service)
        assert (
            datetime.fromisoformat(claimed["next_fire_at"])
            == claimed_at + one_hour_dispatch_timeout
        )

    async def test_reclaimed_run_sets_no_next_claim(
        self, service: Client, make: Make, sql: Sql
    ) -> None:
        await make_due_job(make, await make("users"))
        await claim_jobs(service)
        await sql("UPDATE cron_job_runs SET claimed_at = claimed_at - interval '1 minute'")

        claimed = await claim_jobs(service)

        assert (len(claimed["runs"]), claimed["next_fire_at"]) == (1, None)

    async def test_finished_runs_set_no_next_claim(
        self, service: Client, make: Make, sql: Sql
    ) -> None:
        for state in ("dispatched", "done", "failed", "missed"):
            await make_due_job(make, await make("users"))
            await claim_jobs(service)
            await sql(f"UPDATE cron_job_runs SET state = '{state}' WHERE state = 'claimed'")
        assert (await claim_jobs(service))["next_fire_at"] is None

    async def test_paused_job_sets_no_next_claim(
        self, service: Client, admin: Client, make: Make
    ) -> None:
        job = await make_due_job(make, await make("users"), at=LATER.isoformat())
        await admin.patch(f"/cron-jobs/{job['id']}", json={"is_active": False})
        assert (await claim_jobs(service))["next_fire_at"] is None

    async def test_contended_job_makes_next_claim_soon(
        self, service: Client, make: Make, sessions: SessionFactory
    ) -> None:
        user = await make("users")
        job = await make_due_job(make, user)
        soon = utc_now() + timedelta(hours=1)
        await make_due_job(make, user, at=soon.isoformat())
        async with sessions.begin() as session:
            await session.get(CronJob, UUID(job["id"]), with_for_update=True)
            assert get_wait(await claim_jobs(service)) == claims.DISPATCH_TIMEOUT


async def test_now_of_response_is_database_time(service: Client, make: Make, sql: Sql) -> None:
    before = await read_database_time(sql)
    claimed = await claim_jobs(service)
    after = await read_database_time(sql)
    assert before <= datetime.fromisoformat(claimed["now"]) <= after
