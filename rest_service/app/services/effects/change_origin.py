"""The origin of a change: the step of a turn, and the bot of the turn."""

from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts import keys

from ...models import CronJob, CronJobRun


class ChangeOrigin(NamedTuple):
    """The step of a turn that makes a change."""

    message_id: str
    step: str
    undoes: UUID | None = None
    """The effect that the change undoes."""


async def get_bot_id(session: AsyncSession, origin: ChangeOrigin | None) -> int | None:
    """Return the bot: from `tg:<bot>:<update>`, from the job of `run:<id>`, or None if unknown."""
    if origin is None:
        return None
    kind, _, run_id = origin.message_id.partition(":")
    if kind != "run":
        return keys.parse_bot_id(origin.message_id)
    try:
        run = CronJobRun.id == UUID(run_id)
    except ValueError:
        return None
    job = select(CronJob.bot_id).join(CronJobRun, col(CronJobRun.job_id) == col(CronJob.id))
    return (await session.exec(job.where(run))).first()
