"""What nobody can ask for any more is forgotten."""

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
"""How long a request may come again under its key; the queues know a message for 7 days."""
REFUSAL_RETENTION = timedelta(days=30)
"""A trigger lets nobody delete what is younger, nor anything else of the audit log."""

log = structlog.stdlib.get_logger()


class RetentionJob:
    """Once an hour; several replicas do no harm."""

    def __init__(self, sessions: SessionFactory) -> None:
        self._sessions = sessions

    async def run(self, stop: asyncio.Event) -> None:
        """Tidy until stopped."""
        while not stop.is_set():
            try:
                await self.run_once()
            except (SQLAlchemyError, OSError) as error:
                log.info("retention skipped", reason=f"{type(error).__name__}: {error}")
            await sleep_until_stopped(stop, INTERVAL_SECONDS)

    async def run_once(self) -> None:
        """Delete idempotency keys with their answers, which hold what people wrote, and old entries
        of what was refused.
        """
        old = col(IdempotencyKey.created_at) < utc_now() - IDEMPOTENCY_KEY_RETENTION
        refused = and_(
            col(AuditEntry.result) == "refused",
            col(AuditEntry.created_at) < func.now() - REFUSAL_RETENTION,  # by the trigger's clock
        )
        async with self._sessions.begin() as session:
            await session.exec(delete(IdempotencyKey).where(old))
            await session.exec(delete(AuditEntry).where(refused))
