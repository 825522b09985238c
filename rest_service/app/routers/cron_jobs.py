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
    FireTimes,
    JobsMove,
    RunSnooze,
)

from .. import audit
from ..dependencies import (
    ActingUserDep,
    CallerDep,
    IdempotentDep,
    OwnerDep,
    SessionDep,
    SettingsDep,
    get_owner_scope,
)
from ..pagination import PageQueryDep
from ..services.cron_jobs import claims, cron_jobs, fire_times, runs, timezone_moves
from ..services.cron_jobs.cron_jobs import CronJobQuery
from ..services.cron_jobs.eligibility import build_eligibility_condition

router = APIRouter(prefix="/cron-jobs", tags=["cron-jobs"])


@router.get("")
async def list_cron_jobs(
    session: SessionDep,
    settings: SettingsDep,
    query: Annotated[CronJobQuery, Query()],
    caller: CallerDep,
    user_id: ActingUserDep,
) -> Page[CronJobRead]:
    """List reminders and scheduled prompts, oldest first, or with `due_before` the next first.

    Due jobs are listed without X-User-Id, too: cron_service schedules those of all users.
    """
    if query.due_before is not None:
        return await cron_jobs.read_due_page(session, query, user_id, settings.allowed_telegram_ids)
    owner = await get_owner_scope(caller, user_id)
    return await cron_jobs.read_page(session, query, owner)


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
    claimed = await claims.claim(
        session, build_eligibility_condition(settings.allowed_telegram_ids, bot_id)
    )
    if claimed.runs:
        audit.record_statement(session)
    return claimed


@router.post("/dispatched", status_code=204)
async def record_dispatched(session: SessionDep, body: DispatchedRuns) -> None:
    """Report that runs are in the queue."""
    await claims.record_dispatched(session, body)


@router.post("/runs/{run_id}/acknowledge")
async def acknowledge_run(operation: IdempotentDep, run_id: UUID) -> CronJobRunRead:
    """Record that the user has done what a delivered reminder asked for."""
    return await operation.run(CronJobRunRead, runs.acknowledge, run_id)


@router.post("/runs/{run_id}/snooze", status_code=201)
async def snooze_run(operation: IdempotentDep, run_id: UUID, body: RunSnooze) -> CronJobRead:
    """Remind again later: adds a job that fires once. 409 if the run was answered before."""
    return await operation.run(CronJobRead, runs.snooze, run_id, body)


@router.post("/move")
async def move_jobs(operation: IdempotentDep, body: JobsMove) -> Page[CronJobRead]:
    """Let the one-off jobs of a user come at the same local times in the user's time zone."""
    return await operation.run(Page[CronJobRead], timezone_moves.move_one_offs, body)


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


@router.get("/{job_id}/next")
async def list_next_fires(
    session: SessionDep,
    job_id: UUID,
    owner: OwnerDep,
    count: Annotated[int, Query(ge=1, le=fire_times.MAX_COUNT)] = 10,
) -> FireTimes:
    """The next times at which a job fires; none if it is not active."""
    return await fire_times.read_next(session, job_id, count, owner)
