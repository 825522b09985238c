"""Tracks the changes of a session that have to be published after its commit."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.users import UserSnapshot

from . import models


@dataclass
class ChangesToPublish:
    """Changes to publish."""

    configuration: bool = False
    cron_jobs: bool = False
    user_ids: set[UUID] = field(default_factory=set)
    deleted_telegram_ids: set[int] = field(default_factory=set)
    """Of deleted users."""
    deleted_thread_ids: set[UUID] = field(default_factory=set)
    user_snapshots: dict[UUID, UserSnapshot] = field(default_factory=dict)
    """Snapshots that the transaction has built, so that they need not be read after it."""


class TrackedSession(Session):
    """A session that records its changes when it flushes."""


def get_changes(session: AsyncSession) -> ChangesToPublish:
    """Return the changes that the session has flushed so far."""
    changes: ChangesToPublish = session.info.setdefault(ChangesToPublish, ChangesToPublish())
    return changes


def get_flushed_rows(session: Session) -> list[Any]:
    """Return the rows that a flush has just written or deleted."""
    changed = [row for row in session.dirty if session.is_modified(row)]
    return [*session.new, *changed, *session.deleted]


@event.listens_for(TrackedSession, "after_flush")
def _record_changes(session: TrackedSession, _: UOWTransaction) -> None:
    changes: ChangesToPublish = session.info.setdefault(ChangesToPublish, ChangesToPublish())
    for row in get_flushed_rows(session):
        _record_row(changes, row, is_deleted=row in session.deleted)


def _record_row(changes: ChangesToPublish, row: object, *, is_deleted: bool) -> None:
    match row:
        case models.Assistant() | models.Tool() | models.AssistantTool():
            changes.configuration = True
        case models.LlmProvider() | models.LlmModel() | models.Secret():
            changes.configuration = True
        case models.CronJob():
            changes.cron_jobs = True
        case models.User(id=user_id, telegram_id=telegram_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_telegram_ids.add(telegram_id)
        case models.Thread(user_id=user_id, thread_id=thread_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_thread_ids.add(thread_id)
