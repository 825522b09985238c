"""Reads the audit log."""

from uuid import UUID

from pydantic import Field
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.audit import AuditRead, AuditResult, Caller
from smart_kit.contracts.base import AwareDatetimeInput, Page

from ..models import AuditEntry
from ..pagination import PageQuery, PlainText
from .records.crud import Records

_NEWEST_FIRST = (col(AuditEntry.created_at).desc(), col(AuditEntry.id))
RECORDS = Records(AuditEntry, AuditRead, order_by=_NEWEST_FIRST)


class AuditQuery(PageQuery):
    """Filters of the audit log."""

    caller: Caller | None = None
    user_id: UUID | None = None
    action: PlainText | None = Field(
        None, description="Id of the operation, e.g. update_tool for PATCH and put_tool for PUT"
    )
    object_type: PlainText | None = Field(None, description="E.g. assistants")
    object_id: UUID | None = None
    result: AuditResult | None = None
    request_id: PlainText | None = None
    from_at: AwareDatetimeInput | None = Field(None, description="Not earlier than this")
    until_at: AwareDatetimeInput | None = Field(None, description="Earlier than this")


async def read_page(session: AsyncSession, query: AuditQuery) -> Page[AuditRead]:
    """Return entries, newest first."""
    conditions = []
    if query.from_at is not None:
        conditions.append(col(AuditEntry.created_at) >= query.from_at)
    if query.until_at is not None:
        conditions.append(col(AuditEntry.created_at) < query.until_at)
    return await RECORDS.read_page(session, query, None, *conditions)
