from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import (
    BotId,
    ClaimedRuns,
    CronJobCreate,
    CronJobRead,
    CronJobRunRead,
    CronJobUpdate,
    DispatchedRuns,
)

from ..dependencies import IdempotentDep, OwnerDep, SessionDep, SettingsDep
from ..pagination import PageQueryDep
from ..services.cron_jobs import claims, cron_jobs
from ..services.cron_jobs.cron_jobs import CronJobQuery

router = APIRouter(prefix="/cron-jobs", tags=["cron-jobs"])


@router.get("")
async def list_cron_jobs(
    session: SessionDep, query: Annotated[CronJobQuery, Query()], owner: OwnerDep
) -> Page[CronJobRead]:
    """List reminders and scheduled prompts, oldest first."""
    return await cron_jobs.RECORDS.read_page(session, query, owner)


@router.post("", status_code=201)
async def create_cron_job(operation: IdempotentDep, body: CronJobCreate) -> CronJobRead:
    """Add a job that fires once (`at`) or repeatedly (`cron_expression`)."""
    return await operation.run(CronJobRead, cron_jobs.create, body)


@router.post("/claim")
async def claim_runs(
    session: SessionDep,
    settings: SettingsDep,
    bot_id: Annotated[
        BotId | None, Query(description="Leave out jobs that were created with another bot")
    ] = None,
) -> ClaimedRuns:
    """Claim the due runs. A run that is not reported as dispatched is handed out again.

    Jobs of users without access wait until they have access.
    """
    return await claims.claim(
        session, claims.build_eligibility_condition(settings.allowed_telegram_ids, bot_id)
    )


@router.post("/dispatched", status_code=204)
async def record_dispatched(session: SessionDep, body: DispatchedRuns) -> None:
    """Report that runs are in the queue."""
    await claims.record_dispatched(session, body)


@router.get("/{job_id}")
async def get_cron_job(session: SessionDep, job_id: UUID, owner: OwnerDep) -> CronJobRead:
    """One job."""
    return await cron_jobs.RECORDS.read(session, job_id, owner)


@router.put("/{job_id}", operation_id="put_cron_job")
@router.patch("/{job_id}")
async def update_cron_job(
    operation: IdempotentDep, job_id: UUID, body: CronJobUpdate
) -> CronJobRead:
    """Change the given fields. A new `at` or `cron_expression` replaces the other."""
    return await operation.run(CronJobRead, cron_jobs.update, job_id, body)


@router.delete("/{job_id}", status_code=204)
async def delete_cron_job(operation: IdempotentDep, job_id: UUID) -> None:
    """Cancel a job."""
    await operation.run_without_response(cron_jobs.delete, job_id)


@router.get("/{job_id}/runs")
async def list_runs(
    session: SessionDep, job_id: UUID, query: PageQueryDep, owner: OwnerDep
) -> Page[CronJobRunRead]:
    """List the runs of a job, newest first."""
    return await cron_jobs.read_runs(session, job_id, query, owner)
