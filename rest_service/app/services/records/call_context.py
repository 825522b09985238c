"""The context of a call that changes records of users, and the origin of its change."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts import keys
from smart_kit.contracts.audit import Caller

from ...models import CronJob, CronJobRun
from .crud import OwnerScope


class ChangeOrigin(NamedTuple):
    """The step of a turn that makes a change."""

    message_id: str
    step: str
    undoes: UUID | None = None
    """The effect that the change undoes."""


@dataclass(frozen=True)
class CallContext:
    """The transaction and the caller of a call, and the user that it acts for."""

    session: AsyncSession
    caller: Caller
    owner: OwnerScope
    default_timezone: str
    """For times of users without a time zone."""
    max_active_jobs: int
    """Limit of each user's active jobs."""
    origin: ChangeOrigin | None = None

    async def get_bot_id(self) -> int | None:
        """Return the bot of `tg:<bot>:<update>` or of the job of `run:<id>`; None: unknown."""
        if self.origin is None:
            return None
        kind, _, run_id = self.origin.message_id.partition(":")
        if kind != "run":
            return keys.parse_bot_id(self.origin.message_id)
        try:
            run = CronJobRun.id == UUID(run_id)
        except ValueError:
            return None
        job = select(CronJob.bot_id).join(CronJobRun, col(CronJobRun.job_id) == col(CronJob.id))
        return (await self.session.exec(job.where(run))).first()
