"""What a transaction changed that somebody outside the database has to hear of."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from .models import (
    Assistant,
    AssistantTool,
    CronJob,
    LlmModel,
    LlmProvider,
    Secret,
    Thread,
    Tool,
    User,
)


@dataclass
class Changes:
    """Empty where nothing was changed."""

    configuration: bool = False
    cron_jobs: bool = False
    user_ids: set[UUID] = field(default_factory=set)
    deleted_telegram_ids: set[int] = field(default_factory=set)
    """Of users who were deleted."""
    deleted_thread_ids: set[UUID] = field(default_factory=set)


class TrackedSession(Session):
    """A session that notes its changes as it writes them."""


def get_changes(session: AsyncSession) -> Changes:
    """What the session has written so far."""
    changes: Changes = session.info.setdefault(Changes, Changes())
    return changes


def get_flushed_rows(session: Session) -> list[Any]:
    """The rows that a flush has just written or removed."""
    changed = [row for row in session.dirty if session.is_modified(row)]
    return [*session.new, *changed, *session.deleted]


@event.listens_for(TrackedSession, "after_flush")
def _record_changes(session: TrackedSession, _: UOWTransaction) -> None:
    changes: Changes = session.info.setdefault(Changes, Changes())
    for row in get_flushed_rows(session):
        _record_row(changes, row, is_deleted=row in session.deleted)


def _record_row(changes: Changes, row: object, *, is_deleted: bool) -> None:
    match row:
        case Assistant() | Tool() | AssistantTool() | LlmProvider() | LlmModel() | Secret():
            changes.configuration = True
        case CronJob():
            changes.cron_jobs = True
        case User(id=user_id, telegram_id=telegram_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_telegram_ids.add(telegram_id)
        case Thread(user_id=user_id, thread_id=thread_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_thread_ids.add(thread_id)
