"""Tracks the changes of a session that have to be published after its commit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.users import UserSnapshot

from . import models
from .models.base import Row


@dataclass
class ChangesToPublish:
    """Changes to publish."""

    configuration: bool = False
    cron_jobs: bool = False
    clock_offset_seconds: int | None = None
    """The new offset of the sandbox's clock."""
    user_ids: set[UUID] = field(default_factory=set)
    deleted_telegram_ids: set[int] = field(default_factory=set)
    """Of deleted users."""
    deleted_thread_ids: set[UUID] = field(default_factory=set)
    user_snapshots: dict[UUID, UserSnapshot] = field(default_factory=dict)
    """Snapshots that the transaction has built, so that they need not be read after it."""


ROWS_ARE_RECORDED = {"rows_are_recorded": True}
"""The execution option of a statement whose rows the caller gives to `record_written`."""

RowRecorder = Callable[[Session, Any, bool], None]
"""Gets a session, a row that it has written, and whether it has deleted the row."""


class TrackedSession(Session):
    """A session that records the rows that it writes."""

    recorders: ClassVar[list[RowRecorder]] = []


def get_changes(session: AsyncSession) -> ChangesToPublish:
    """Return the changes that the session has flushed so far."""
    return _get_changes(session.sync_session)


def record_written(session: AsyncSession, rows: Iterable[Row]) -> None:
    """Record rows that a statement of the session has inserted or changed, as a flush does."""
    for row in rows:
        _record(session.sync_session, row, is_deleted=False)


def _get_changes(session: Session) -> ChangesToPublish:
    changes: ChangesToPublish = session.info.setdefault(ChangesToPublish, ChangesToPublish())
    return changes


@event.listens_for(TrackedSession, "after_flush")
def _record_flushed(session: TrackedSession, _: UOWTransaction) -> None:
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in (*session.new, *changed, *session.deleted):
        _record(session, row, is_deleted=row in session.deleted)


def _record(session: Session, row: Any, *, is_deleted: bool) -> None:
    _record_row(_get_changes(session), row, is_deleted=is_deleted)
    for recorder in TrackedSession.recorders:
        recorder(session, row, is_deleted)


def _record_row(changes: ChangesToPublish, row: object, *, is_deleted: bool) -> None:
    match row:
        case models.Assistant() | models.Tool() | models.AssistantTool():
            changes.configuration = True
        case models.LlmProvider() | models.LlmModel() | models.Secret():
            changes.configuration = True
        case models.CronJob():
            changes.cron_jobs = True
        case models.ClockState(offset_seconds=offset_seconds):
            changes.clock_offset_seconds = offset_seconds
            changes.cron_jobs = True  # jobs may be due now
        case models.User(id=user_id, telegram_id=telegram_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_telegram_ids.add(telegram_id)
        case models.Thread(user_id=user_id, thread_id=thread_id):
            changes.user_ids.add(user_id)
            if is_deleted:
                changes.deleted_thread_ids.add(thread_id)
