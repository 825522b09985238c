"""What is told of a change to a job: the facts before and after, and how to take it back."""

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.cron_jobs import CronJobCreate, CronJobRead, CronJobUpdate

from ..models import CronJob
from . import effects
from .origins import Origin

_PATH = "/api/cron-jobs"
_NOT_FACTS = {"user_id", "created_at", "updated_at", "effect"}


def shape(row: CronJob) -> CronJobRead:
    """The job as callers see it."""
    return CronJobRead.model_validate(row, from_attributes=True)


def facts(row: CronJob) -> JsonObject:
    """What a receipt says of a job."""
    return shape(row).model_dump(mode="json", exclude=_NOT_FACTS)


async def created(session: AsyncSession, row: CronJob, origin: Origin | None) -> CronJobRead:
    """The new job, with its receipt."""
    effect = await effects.record(
        session,
        origin,
        user_id=row.user_id,
        kind="reminder_created",
        before=None,
        after=facts(row),
        reversal={"method": "DELETE", "path": f"{_PATH}/{row.id}"},
    )
    return shape(row).model_copy(update={"effect": effect})


async def changed(
    session: AsyncSession, row: CronJob, before: JsonObject, origin: Origin | None
) -> CronJobRead:
    """The changed job, with its receipt."""
    effect = await effects.record(
        session,
        origin,
        user_id=row.user_id,
        kind="reminder_changed",
        before=before,
        after=facts(row),
        reversal={
            "method": "PATCH",
            "path": f"{_PATH}/{row.id}",
            "body": _given(before, set(CronJobUpdate.model_fields)),
        },
    )
    return shape(row).model_copy(update={"effect": effect})


async def cancelled(session: AsyncSession, row: CronJob, origin: Origin | None) -> None:
    """The receipt of a job that is no more."""
    before = facts(row)
    body = _given(before, set(CronJobCreate.model_fields)) | {"user_id": str(row.user_id)}
    await effects.record(
        session,
        origin,
        user_id=row.user_id,
        kind="reminder_cancelled",
        before=before,
        after=None,
        reversal={"method": "POST", "path": _PATH, "body": body},
    )


def _given(before: JsonObject, names: set[str]) -> JsonObject:
    """The facts that a call can set; one of the two times is null and left out."""
    return {name: value for name, value in before.items() if name in names and value is not None}
