"""What a session has written, noted while it writes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Result, event
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlmodel import Session, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject

from ..changes import TrackedSession, flushed
from ..models import AuditEntry, Effect, IdempotencyKey
from .subjects import SUBJECTS

BOOKKEEPING = (AuditEntry, Effect, IdempotencyKey)


@dataclass
class Written:
    """What a session has written."""

    is_any: bool = False
    first: SQLModel | None = None
    """The first record that is a subject, where rows were written one by one."""
    is_gone: bool = False
    facts: JsonObject | None = None
    """What is said of many records at once, in place of the first one's."""


def written_by(session: AsyncSession) -> Written:
    """What it has written so far."""
    return _of(session.sync_session)


def _of(session: Session) -> Written:
    written: Written = session.info.setdefault(Written, Written())
    return written


@event.listens_for(TrackedSession, "after_flush")
def _note_rows(session: TrackedSession, _: UOWTransaction) -> None:
    for row in flushed(session):
        if isinstance(row, BOOKKEEPING):
            continue
        written = _of(session)
        written.is_any = True
        if written.first is None and type(row) in SUBJECTS:
            written.first, written.is_gone = row, row in session.deleted


@event.listens_for(TrackedSession, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> Result[Any] | None:
    """A statement that has met no row has written nothing."""
    if state.is_select or state.bind_mapper is None:
        return None
    if state.bind_mapper.class_ in BOOKKEEPING:
        return None
    result = state.invoke_statement()
    assert isinstance(state.session, Session)
    if getattr(result, "rowcount", -1) != 0:
        _of(state.session).is_any = True
    return result
