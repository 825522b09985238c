"""Scheduled prompts: within bounds, and not executed when they are too late."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from rest_service.app.models import CronJob
from rest_service.app.services.cron_jobs.due_jobs import DueJob, build_run_rows
from rest_service.tests.api_helpers import Client, JsonObject, Make, make_user_headers
from rest_service.tests.claim_helpers import claim_jobs, list_runs, make_due_job
from smart_kit.contracts.base import utc_now

NINE = datetime(2031, 1, 1, 9, tzinfo=UTC)
PROMPT = {"type": "prompt", "text": "Tell me the news"}


async def make_late_prompt(make: Make, late: timedelta) -> JsonObject:
    """A prompt that should have fired so long ago."""
    user = await make("users")
    return await make_due_job(make, user, **PROMPT, at=(utc_now() - late).isoformat())


@pytest.mark.parametrize(
    ("late", "is_skipped"), [(timedelta(minutes=59), False), (timedelta(minutes=61), True)]
)
async def test_one_off_prompt_is_skipped_after_an_hour(
    service: Client, make: Make, late: timedelta, is_skipped: bool
) -> None:
    await make_late_prompt(make, late)

    (run,) = (await claim_jobs(service))["runs"]

    assert run["is_skipped"] is is_skipped


async def test_skipped_run_ends_as_missed_when_the_user_is_told(
    service: Client, admin: Client, make: Make
) -> None:
    job = await make_late_prompt(make, timedelta(hours=2))
    (run,) = (await claim_jobs(service))["runs"]

    await service.post("/cron-jobs/dispatched", json={"run_ids": [run["id"]]})

    (stored,) = await list_runs(admin, job)
    assert (stored["state"], stored["reason"]) == ("missed", "late")
    assert (await claim_jobs(service))["runs"] == []


@pytest.mark.parametrize(
    ("interval", "late", "is_skipped"),
    [
        (timedelta(minutes=20), timedelta(minutes=10), False),
        (timedelta(minutes=20), timedelta(minutes=10, seconds=1), True),
        (timedelta(days=1), timedelta(hours=1), False),
        (timedelta(days=1), timedelta(hours=1, seconds=1), True),
    ],
)
def test_recurring_prompt_is_skipped_after_half_its_interval_or_an_hour(
    interval: timedelta, late: timedelta, is_skipped: bool
) -> None:
    missed, last = NINE - interval, NINE
    job = CronJob(id=uuid4(), type="prompt", text="news", timezone="UTC")

    *missed_rows, row = build_run_rows(DueJob(job, [missed, last], NINE + interval), NINE + late)

    assert [(one.state, one.reason) for one in missed_rows] == [("missed", "down")]
    assert (row.is_skipped, row.missed_count) == (is_skipped, 1)


async def test_reminder_is_never_skipped(service: Client, make: Make) -> None:
    user = await make("users")
    await make_due_job(make, user, at=(utc_now() - timedelta(hours=23)).isoformat())

    (run,) = (await claim_jobs(service))["runs"]

    assert run["is_skipped"] is False


@pytest.mark.parametrize("cron", ["*/14 * * * *", "0,5 9 * * *", "* * * * *"])
async def test_prompt_runs_every_fifteen_minutes_at_most(
    admin: Client, make: Make, cron: str
) -> None:
    user = await make("users")
    body = {"user_id": user["id"], **PROMPT, "cron_expression": cron}
    answer = await admin.post("/cron-jobs", json=body)

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("A scheduled request may run every 15 minutes")
    assert (await admin.post("/cron-jobs", json=body | {"type": "reminder"})).status_code == 201
    allowed = body | {"cron_expression": "*/15 * * * *"}
    assert (await admin.post("/cron-jobs", json=allowed)).status_code == 201


async def test_interval_of_a_rule_counts_too(admin: Client, make: Make) -> None:
    user = await make("users")
    body = {"user_id": user["id"], **PROMPT, "at": "2031-01-01T09:00"}
    answer = await admin.post("/cron-jobs", json=body | {"rrule": "FREQ=MINUTELY;INTERVAL=10"})

    assert answer.status_code == 400


async def test_user_has_at_most_ten_active_prompts(admin: Client, make: Make) -> None:
    user = await make("users")
    jobs = [await make("cron-jobs", user_id=user["id"], **PROMPT) for _ in range(10)]
    body = {"user_id": user["id"], **PROMPT, "cron_expression": "0 9 * * *"}

    refused = await admin.post("/cron-jobs", json=body)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "The limit of 10 active scheduled requests is reached. Cancel one first.",
    )
    assert (await admin.post("/cron-jobs", json=body | {"type": "reminder"})).status_code == 201
    await admin.patch(f"/cron-jobs/{jobs[0]['id']}", json={"is_active": False})
    assert (await admin.post("/cron-jobs", json=body)).status_code == 201


async def test_prompt_plans_no_prompts(service: Client, make: Make) -> None:
    user = await make("users")
    fired = await make("cron-jobs", user_id=user["id"], **PROMPT)
    headers = make_user_headers(user, "run:2f0c0b5e-0000-0000-0000-000000000000/1.0")
    body = {"user_id": user["id"], **PROMPT, "cron_expression": "0 9 * * *"}

    created = await service.post("/cron-jobs", json=body, headers=headers)
    changed = await service.patch(
        f"/cron-jobs/{fired['id']}", json={"cron_expression": "0 8 * * *"}, headers=headers
    )
    assert (created.status_code, changed.status_code) == (403, 403)
    assert "cannot plan scheduled requests" in created.json()["detail"]
    reminder = body | {"type": "reminder"}
    assert (await service.post("/cron-jobs", json=reminder, headers=headers)).status_code == 201
