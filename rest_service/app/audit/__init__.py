"""Who wrote what through the API: one row, in the transaction of the write itself.

Bodies are not kept, only facts of a record that are neither secrets nor what people have written.
What is written elsewhere than in Postgres is noted as begun, in a transaction before it.
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

from ..database import Sessions
from ..models import AuditEntry, User
from .refusals import Refusals
from .subjects import SUBJECTS
from .written import Written, written_by

READING = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_PATH = 512

log = structlog.stdlib.get_logger()


def record(session: AsyncSession, request: Request, status: int) -> None:
    """Note a request that is about to be committed; one that has changed nothing is none."""
    written = written_by(session)
    if request.method not in READING and written.is_any:
        session.add(_entry(request, "done", status, written))


def describe(session: AsyncSession, facts: JsonObject) -> None:
    """What the entry says where a request writes many records: no secret, nobody's words."""
    written_by(session).facts = facts


async def record_ahead(request: Request, status: int) -> None:
    """Note a write that is not Postgres's before it is made: what cannot be noted is not done.

    The entry is durable when this returns. It stays "begun" whatever comes of it: no entry is ever
    changed, and one that came afterwards could be lost.
    """
    sessions: Sessions = request.app.state.resources.sessions
    async with sessions.begin() as session:
        session.add(_entry(request, "begun", status, Written()))


async def record_refusal(request: Request, status: int) -> None:
    """Note a write that is refused; its own transaction is gone."""
    if request.method in READING:
        return
    resources = request.app.state.resources
    refusals: Refusals = resources.refusals
    sessions: Sessions = resources.sessions
    left_out = refusals.admit(request.state.principal)
    if left_out is None:
        return
    try:
        async with sessions.begin() as session:
            session.add(_entry(request, "refused", status, Written(), left_out))
    except (SQLAlchemyError, OSError) as error:
        log.warning("a refusal is not in the audit log", reason=type(error).__name__)


def _entry(
    request: Request, result: AuditResult, status: int, written: Written, left_out: int = 0
) -> AuditEntry:
    row = written.first
    route: APIRoute = request.scope["route"]
    is_one = row is not None and written.facts is None
    object_type, object_id = _kept(row) if row is not None and is_one else _named(request)
    return AuditEntry(
        caller=request.state.principal,
        user_id=_uuid(request.headers.get("x-user-id")) or _person(row),
        action=route.operation_id or route.name,
        object_type=object_type,
        object_id=object_id,
        path=_storable(request.scope["path"]),
        result=result,
        status=status,
        request_id=structlog.contextvars.get_contextvars().get("correlation_id"),
        after=_facts(written),
        left_out=left_out,
    )


def _facts(written: Written) -> JsonObject | None:
    """What is so from now on."""
    row = written.first
    if written.facts is not None or row is None or written.is_gone:
        return written.facts
    return SUBJECTS[type(row)].facts_of(row)


def _named(request: Request) -> tuple[str, UUID | None]:
    """What the path speaks of."""
    ids = (_uuid(value) for value in request.path_params.values())
    return request.scope["path"].split("/")[2], next(ids, None)


def _kept(row: SQLModel) -> tuple[str, UUID]:
    """What was written, whichever path led to it."""
    row_id: UUID = row.id  # type: ignore[attr-defined] # each subject has one
    return SUBJECTS[type(row)].resource, row_id


def _person(row: SQLModel | None) -> UUID | None:
    """Whose record it is."""
    return row.id if isinstance(row, User) else getattr(row, "user_id", None)


def _storable(path: str) -> str:
    """As it is in an address: Postgres takes no NUL, and an entry is not of any length."""
    return quote(path, safe="/:", errors="replace")[:MAX_PATH]


def _uuid(value: object) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None
