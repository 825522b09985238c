"""Deletes rows whose retention period is over."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import and_, col, delete, func

from smart_kit.aio import sleep_until_stopped
from smart_kit.contracts.base import utc_now

from ..database import SessionFactory
from ..models import AuditEntry, IdempotencyKey

INTERVAL_SECONDS = 3600.0
IDEMPOTENCY_KEY_RETENTION = timedelta(days=30)
"""How long a request may be repeated with its key. The queues remember a message for 7 days."""
REFUSAL_RETENTION = timedelta(days=30)
"""A trigger refuses to delete younger refusals and all other entries of the audit log."""

log = structlog.stdlib.get_logger()


class RetentionJob:
    """Runs once an hour. Several replicas may run it at the same time."""

    def __init__(self, sessions: SessionFactory) -> None:
        self._sessions = sessions

    async def run(self, stop: asyncio.Event) -> None:
        """Run until stopped."""
        while not stop.is_set():
            try:
                await self.run_once()
            except (SQLAlchemyError, OSError) as error:
                log.info("retention skipped", reason=f"{type(error).__name__}: {error}")
            await sleep_until_stopped(stop, INTERVAL_SECONDS)

    async def run_once(self) -> None:
        """Delete old idempotency keys, whose responses hold texts of users, and old refusals."""
        old = col(IdempotencyKey.created_at) < utc_now() - IDEMPOTENCY_KEY_RETENTION
        refused = and_(
            col(AuditEntry.result) == "refused",
            col(AuditEntry.created_at)
            < func.now() - REFUSAL_RETENTION,  # its clock is the trigger's
        )
        async with self._sessions.begin() as session:
            await session.exec(delete(IdempotencyKey).where(old))
            await session.exec(delete(AuditEntry).where(refused))
