"""Who wrote what through the API: one row, in the transaction of the write itself.

Bodies are not kept, only facts of a record that are neither secrets nor what people have written.
What is written elsewhere than in Postgres is recorded as started, in a transaction before it.
What an operation refuses, by a rule or for its form, is noted too, for a while and not without
bound. What is refused before it comes to an operation is not: without a token (401), at an unknown
path (404) or with another method (405), too large (413), no JSON (415), a parameter given twice.
"""

from urllib.parse import quote
from uuid import UUID

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import AuditResult
from smart_kit.contracts.base import JsonObject

from ..database import SessionFactory
from ..models import AuditEntry, User
from .audited_types import AUDITED_TYPES
from .refusal_throttle import RefusalThrottle
from .session_writes import SessionWrites, get_writes

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_PATH_LENGTH = 512

log = structlog.stdlib.get_logger()


def record_write(session: AsyncSession, request: Request, status: int) -> None:
    """Note a request that is about to be committed; one that has changed nothing is none."""
    written = get_writes(session)
    if request.method not in READ_METHODS and written.has_writes:
        session.add(_build_entry(request, "done", status, written))


def set_facts(session: AsyncSession, facts: JsonObject) -> None:
    """What the entry says where a request writes many records: no secret, nobody's words."""
    get_writes(session).facts = facts


async def record_ahead(request: Request, status: int) -> None:
    """Record a write outside Postgres before it is made; without the record it is not made.

    The entry is durable when this returns. It stays "started" whatever the outcome: entries are
    never changed, and a second entry after the write could be lost.
    """
    sessions: SessionFactory = request.app.state.resources.sessions
    async with sessions.begin() as session:
        session.add(_build_entry(request, "started", status, SessionWrites()))


async def record_refusal(request: Request, status: int) -> None:
    """Note a write that is refused; its own transaction is gone."""
    if request.method in READ_METHODS:
        return
    resources = request.app.state.resources
    throttle: RefusalThrottle = resources.refusal_throttle
    sessions: SessionFactory = resources.sessions
    suppressed_count = throttle.allow(request.state.caller)
    if suppressed_count is None:
        return
    try:
        async with sessions.begin() as session:
            session.add(_build_entry(request, "refused", status, SessionWrites(), suppressed_count))
    except (SQLAlchemyError, OSError) as error:
        log.warning("refusal not audited", reason=type(error).__name__)


def _build_entry(
    request: Request,
    result: AuditResult,
    status: int,
    writes: SessionWrites,
    suppressed_count: int = 0,
) -> AuditEntry:
    row = writes.first_row
    route: APIRoute = request.scope["route"]
    is_one = row is not None and writes.facts is None
    object_type, object_id = (
        _object_from_row(row) if row is not None and is_one else _object_from_path(request)
    )
    return AuditEntry(
        caller=request.state.caller,
        user_id=_parse_uuid(request.headers.get("x-user-id")) or _get_user_id(row),
        action=route.operation_id or route.name,
        object_type=object_type,
        object_id=object_id,
        path=_quote_path(request.scope["path"]),
        result=result,
        status=status,
        request_id=structlog.contextvars.get_contextvars().get("correlation_id"),
        after=_build_facts(writes),
        suppressed_count=suppressed_count,
    )


def _build_facts(writes: SessionWrites) -> JsonObject | None:
    """What is so from now on."""
    row = writes.first_row
    if writes.facts is not None or row is None or writes.is_deleted:
        return writes.facts
    return AUDITED_TYPES[type(row)].describe(row)


def _object_from_path(request: Request) -> tuple[str, UUID | None]:
    """What the path speaks of."""
    ids = (_parse_uuid(value) for value in request.path_params.values())
    return request.scope["path"].split("/")[2], next(ids, None)


def _object_from_row(row: SQLModel) -> tuple[str, UUID]:
    """What was written, whichever path led to it."""
    row_id: UUID = row.id  # type: ignore[attr-defined] # each subject has one
    return AUDITED_TYPES[type(row)].resource, row_id


def _get_user_id(row: SQLModel | None) -> UUID | None:
    """Whose record it is."""
    return row.id if isinstance(row, User) else getattr(row, "user_id", None)


def _quote_path(path: str) -> str:
    """As it is in an address: Postgres takes no NUL, and an entry is not of any length."""
    return quote(path, safe="/:", errors="replace")[:MAX_PATH_LENGTH]


def _parse_uuid(value: object) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None
