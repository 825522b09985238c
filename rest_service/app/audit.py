"""Who wrote what through the API: one row, in the transaction of the write itself.

Bodies are not kept, only what a record of the configuration has become, without its secrets.
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import AuditResult
from smart_kit.contracts.base import JsonObject

from .changes import TrackedSession, flushed
from .database import Sessions
from .models import (
    Assistant,
    AssistantTool,
    AuditEntry,
    Effect,
    IdempotencyKey,
    LlmModel,
    LlmProvider,
    Tool,
)

READING = frozenset({"GET", "HEAD", "OPTIONS"})
BOOKKEEPING = (AuditEntry, Effect, IdempotencyKey)
CONFIGURATION = (Assistant, Tool, AssistantTool, LlmProvider, LlmModel)
SECRETS = {"encrypted_api_key"}

log = structlog.stdlib.get_logger()


@dataclass
class Written:
    """What a session has written."""

    is_any: bool = False
    first: SQLModel | None = None
    """The first row, where rows were written one by one."""
    is_gone: bool = False


def record(session: AsyncSession, request: Request) -> None:
    """Note a request that is about to be committed; one that has changed nothing is none."""
    written = _written(session.sync_session)
    if request.method not in READING and written.is_any:
        session.add(_entry(request, "done", _status(request), written))


async def record_ahead(session: AsyncSession, request: Request) -> None:
    """Note a write that is not Postgres's before it is made: what cannot be noted is not done."""
    session.add(_entry(request, "done", _status(request), Written()))
    await session.flush()


async def record_refusal(request: Request, status: int) -> None:
    """Note a write that a rule has refused; its own transaction is gone."""
    if request.method in READING:
        return
    sessions: Sessions = request.app.state.resources.sessions
    try:
        async with sessions.begin() as session:
            session.add(_entry(request, "refused", status, Written()))
    except (SQLAlchemyError, OSError) as error:
        log.warning("a refusal is not in the audit log", reason=type(error).__name__)


def _entry(request: Request, result: AuditResult, status: int, written: Written) -> AuditEntry:
    row = written.first
    named = [_uuid(value) for value in request.path_params.values()]
    written_id = getattr(row, "id", None)
    return AuditEntry(
        caller=request.state.principal,
        user_id=_uuid(request.headers.get("x-user-id")),
        action=request.scope["route"].name,
        object_type=request.url.path.split("/")[2],
        object_id=named[0] if named and named[0] else written_id,
        path=request.url.path,
        result=result,
        status=status,
        request_id=structlog.contextvars.get_contextvars().get("correlation_id"),
        after=None if written.is_gone else _version(row),
    )


def _status(request: Request) -> int:
    route: APIRoute = request.scope["route"]
    return route.status_code or 200


def _version(row: SQLModel | None) -> JsonObject | None:
    """The record as it is from now on."""
    if not isinstance(row, CONFIGURATION):
        return None
    return row.model_dump(mode="json", exclude=SECRETS)


def _uuid(value: object) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None


def _written(session: TrackedSession | object) -> Written:
    assert isinstance(session, TrackedSession)
    written: Written = session.info.setdefault(Written, Written())
    return written


@event.listens_for(TrackedSession, "after_flush")
def _note_rows(session: TrackedSession, _: UOWTransaction) -> None:
    for row in flushed(session):
        if isinstance(row, BOOKKEEPING):
            continue
        written = _written(session)
        written.is_any = True
        if written.first is None:
            written.first, written.is_gone = row, row in session.deleted


@event.listens_for(TrackedSession, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if state.is_select or state.bind_mapper is None:
        return
    if state.bind_mapper.class_ not in BOOKKEEPING:
        _written(state.session).is_any = True
