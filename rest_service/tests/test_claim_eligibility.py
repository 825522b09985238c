"""Only jobs of users with access, and of the claiming bot, fire."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI

from rest_service.app.config import Settings
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, make_user_headers
from rest_service.tests.claim_helpers import claim_jobs, make_due_job
from smart_kit.contracts.base import utc_now
from smart_kit.settings import AllowList


@pytest.fixture(params=[None, 42])
def bot_id(request: pytest.FixtureRequest) -> int | None:
    """The claiming bot, or no bot id."""
    param: int | None = request.param
    return param


async def test_jobs_of_blocked_user_wait(
    service: Client, admin: Client, make: Make, bot_id: int | None
) -> None:
    user = await make("users")
    await make_due_job(make, user)
    await admin.patch(f"/users/{user['id']}", json={"status": "blocked"})

    blocked = await claim_jobs(service, bot_id)
    await admin.patch(f"/users/{user['id']}", json={"status": "active"})

    assert (blocked["runs"], blocked["next_fire_at"]) == ([], None)
    assert len((await claim_jobs(service, bot_id))["runs"]) == 1


async def test_jobs_of_users_without_access_wait(
    service: Client, make: Make, sql: Sql, bot_id: int | None
) -> None:
    """The users that tg_bot answers: on the operator's list, or invited."""
    await make_due_job(make, await make("users", telegram_id=9))

    refused = await claim_jobs(service, bot_id)
    await sql("UPDATE users SET is_invited = true")

    assert (refused["runs"], refused["next_fire_at"]) == ([], None)
    assert len((await claim_jobs(service, bot_id))["runs"]) == 1


async def test_open_access_lets_all_jobs_fire(
    app: FastAPI, settings: Settings, service: Client, make: Make
) -> None:
    resources = app.state.resources
    app.state.resources = replace(
        resources,
        settings=settings.model_copy(update={"telegram_allowed_users": AllowList(everyone=True)}),
    )
    await make_due_job(make, await make("users", telegram_id=9))

    assert len((await claim_jobs(service))["runs"]) == 1


async def test_claimed_run_waits_when_user_becomes_blocked(
    service: Client, admin: Client, make: Make, sql: Sql
) -> None:
    user = await make("users")
    await make_due_job(make, user)
    await claim_jobs(service)
    await admin.patch(f"/users/{user['id']}", json={"status": "blocked"})
    assert (await claim_jobs(service))["next_fire_at"] is None
    await sql("UPDATE cron_job_runs SET claimed_at = now() - interval '11 s'")

    assert (await claim_jobs(service))["runs"] == []


class TestBots:
    @staticmethod
    async def make_job_by(service: Client, user: JsonObject, message_id: str) -> JsonObject:
        at = (utc_now() - timedelta(seconds=5)).isoformat()
        body = {"user_id": user["id"], "text": message_id, "at": at}
        headers = make_user_headers(user, f"{message_id}/0.0")
        answer = await service.post("/cron-jobs", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        job: JsonObject = answer.json()
        return job

    @pytest.mark.usefixtures("one_hour_dispatch_timeout")
    async def test_job_waits_for_its_bot(self, service: Client, make: Make) -> None:
        user = await make("users")
        job = await self.make_job_by(service, user, "tg:42:1")
        nothing = await claim_jobs(service, 7)
        assert (nothing["runs"], nothing["next_fire_at"]) == ([], None)

        anybodys = await make_due_job(make, user)
        assert (job["bot_id"], anybodys["bot_id"]) == (42, None)
        (run,) = (await claim_jobs(service, 7))["runs"]
        assert run["job_id"] == anybodys["id"]
        (run,) = (await claim_jobs(service, 42))["runs"]
        assert run["job_id"] == job["id"]

    async def test_a_claimed_run_is_not_handed_out_to_another_bot(
        self, service: Client, make: Make, sql: Sql
    ) -> None:
        await self.make_job_by(service, await make("users"), "tg:42:1")
        await claim_jobs(service, 42)
        await sql("UPDATE cron_job_runs SET claimed_at = now() - interval '11 s'")

        assert (await claim_jobs(service, 7))["runs"] == []
        assert len((await claim_jobs(service, 42))["runs"]) == 1

    async def test_job_created_by_scheduled_prompt_inherits_bot(
        self, service: Client, make: Make
    ) -> None:
        user = await make("users")
        await self.make_job_by(service, user, "tg:42:1")
        (run,) = (await claim_jobs(service, 42))["runs"]

        assert (await self.make_job_by(service, user, f"run:{run['id']}"))["bot_id"] == 42
        for unknown in ("run:nothing", f"run:{UUID(int=1)}", "chat", "tg:x:1"):
            assert (await self.make_job_by(service, user, unknown))["bot_id"] is None

    async def test_admin_can_release_a_job_to_any_bot(
        self, service: Client, admin: Client, make: Make
    ) -> None:
        job = await self.make_job_by(service, await make("users"), "tg:42:1")

        changed = await admin.patch(f"/cron-jobs/{job['id']}", json={"bot_id": None})

        assert changed.json()["bot_id"] is None
        assert len((await claim_jobs(service, 7))["runs"]) == 1
