"""Tracks what a database session writes, for the audit log."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Result, event
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject

from ..models import Effect, IdempotencyKey
from ..models.base import Row
from ..session_changes import ROWS_ARE_RECORDED, TrackedSession
from .audited_types import AUDITED_TYPES

UNAUDITED_TABLES = (Effect, IdempotencyKey)


@dataclass
class SessionWrites:
    """The writes of a session so far."""

    has_writes: bool = False
    rows: dict[UUID, Row] = field(default_factory=dict)
    """The written records of audited types, by their ids, the first one first."""
    is_deleted: bool = False
    """Whether the first one was deleted."""
    has_separate_entries: bool = False
    """Whether each record gets an entry of its own, and not only the first one."""
    facts: JsonObject | None = None
    """Replaces the columns of the first record if a request writes many."""

    @property
    def first_row(self) -> Row | None:
        """The first written record."""
        return next(iter(self.rows.values()), None)


def get_writes(session: AsyncSession) -> SessionWrites:
    """Return the writes of a session so far."""
    return _get_writes(session.sync_session)


def _get_writes(session: Session) -> SessionWrites:
    written: SessionWrites = session.info.setdefault(SessionWrites, SessionWrites())
    return written


def _record_row(session: Session, row: Any, is_deleted: bool) -> None:
    if isinstance(row, UNAUDITED_TABLES):
        return
    written = _get_writes(session)
    written.has_writes = True
    if type(row) in AUDITED_TYPES:
        if not written.rows:
            written.is_deleted = is_deleted
        written.rows.setdefault(row.id, row)


TrackedSession.recorders.append(_record_row)


@event.listens_for(TrackedSession, "do_orm_execute")
def _record_statement(state: ORMExecuteState) -> Result[Any] | None:
    """Record a bulk statement, unless it affected no rows."""
    if state.is_select or state.bind_mapper is None:
        return None
    if ROWS_ARE_RECORDED.keys() <= state.execution_options.keys():
        return None
    if state.bind_mapper.class_ in UNAUDITED_TABLES:
        return None
    result = state.invoke_statement()
    assert isinstance(state.session, Session)
    if getattr(result, "rowcount", -1) != 0:
        _get_writes(state.session).has_writes = True
    return result
