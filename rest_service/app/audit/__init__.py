"""The audit log: an entry for each write through the API, in the transaction of the write.

Entries hold no request bodies, only columns of the record that are neither secret nor written by
users. A write outside Postgres is recorded as "started" in a transaction before it. Requests that
an operation refuses are recorded for a limited time and up to a limit. Requests that reach no
operation are not recorded: no valid token (401), unknown path (404) or method (405), body too
large (413) or not JSON (415), a query parameter given twice (422).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import AuditResult, Caller
from smart_kit.contracts.base import JsonObject, utc_now

from ..array_statements import get_table
from ..database import SessionFactory
from ..models import AuditEntry
from .audited_types import AUDITED_TYPES
from .refusal_throttle import RefusalThrottle
from .session_writes import SessionWrites, get_writes

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_PATH_LENGTH = 512

_INSERT = insert(get_table(AuditEntry))

log = structlog.stdlib.get_logger()


class _Entry(NamedTuple):
    """The columns of `audit_log`."""

    id: UUID
    caller: Caller
    user_id: UUID | None
    action: str
    object_type: str
    object_id: UUID | None
    path: str
    result: AuditResult
    status: int
    request_id: str | None
    after: JsonObject | None
    suppressed_count: int
    created_at: datetime


async def record_write(session: AsyncSession, request: Request, status: int) -> None:
    """Add an entry for a request that is about to be committed, unless it wrote nothing."""
    written = get_writes(session)
    if request.method in READ_METHODS or not written.has_writes:
        return
    entries = [written]
    if written.has_separate_entries and written.rows:
        entries = [replace(written, rows={row.id: row}) for row in written.rows.values()]
    await _insert(session, [_build_entry(request, "done", status, one) for one in entries])


def record_statement(session: AsyncSession) -> None:
    """Record a write of a statement that the session does not see."""
    get_writes(session).has_writes = True


def set_facts(session: AsyncSession, facts: JsonObject) -> None:
    """Set the facts of a request that writes many records. They must hold no secrets or texts."""
    get_writes(session).facts = facts


def separate_entries(session: AsyncSession) -> None:
    """Add an entry for each record that the request creates or changes, not for the first one."""
    get_writes(session).has_separate_entries = True


async def record_ahead(request: Request, status: int) -> None:
    """Record a write outside Postgres before it is made. If this raises, the write must not follow.

    The entry is durable when this returns. It stays "started" in any case: entries never change,
    and a second entry after the write could be lost.
    """
    sessions: SessionFactory = request.app.state.resources.sessions
    async with sessions.begin() as session:
        await _insert(session, [_build_entry(request, "started", status, SessionWrites())])


async def record_refusal(request: Request, status: int) -> None:
    """Record a refused write in a transaction of its own, within the limit of the caller."""
    if request.method in READ_METHODS:
        return
    resources = request.app.state.resources
    throttle: RefusalThrottle = resources.refusal_throttle
    sessions: SessionFactory = resources.sessions
    suppressed_count = throttle.allow(request.state.caller)
    if suppressed_count is None:
        return
    try:
        entry = _build_entry(request, "refused", status, SessionWrites(), suppressed_count)
        async with sessions.begin() as session:
            await _insert(session, [entry])
    except (SQLAlchemyError, OSError) as error:
        log.warning("refusal not audited", reason=type(error).__name__)


async def _insert(session: AsyncSession, entries: Iterable[_Entry]) -> None:
    connection = await session.connection()  # not the session: nothing of an entry is tracked
    await connection.execute(_INSERT, [entry._asdict() for entry in entries])


def _build_entry(
    request: Request,
    result: AuditResult,
    status: int,
    writes: SessionWrites,
    suppressed_count: int = 0,
) -> _Entry:
    row = writes.first_row
    route: APIRoute = request.scope["route"]
    object_type, object_id = _object_from_path(request)
    if row is not None and writes.facts is None:
        object_type, object_id = AUDITED_TYPES[type(row)].resource, row.id
    return _Entry(
        id=uuid4(),
        caller=request.state.caller,
        user_id=_parse_uuid(request.headers.get("x-user-id"))
        or (row.get_owner_id() if row else None),
        action=route.operation_id or route.name,
        object_type=object_type,
        object_id=object_id,
        # percent-encoded, because Postgres stores no NUL
        path=quote(request.scope["path"], safe="/:", errors="replace")[:MAX_PATH_LENGTH],
        result=result,
        status=status,
        request_id=structlog.contextvars.get_contextvars().get("correlation_id"),
        after=_build_facts(writes),
        suppressed_count=suppressed_count,
        created_at=utc_now(),
    )


def _build_facts(writes: SessionWrites) -> JsonObject | None:
    row = writes.first_row
    if writes.facts is not None or row is None or writes.is_deleted:
        return writes.facts
    return AUDITED_TYPES[type(row)].select_columns(row)


def _object_from_path(request: Request) -> tuple[str, UUID | None]:
    ids = (_parse_uuid(value) for value in request.path_params.values())
    return request.scope["path"].split("/")[2], next(ids, None)


def _parse_uuid(value: object) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None
