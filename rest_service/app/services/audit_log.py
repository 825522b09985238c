"""Reads the audit log."""

from uuid import UUID

from pydantic import Field
from sqlmodel import col

from smart_kit.contracts.audit import AuditRead, AuditResult, Caller

from ..models import AuditEntry
from ..pagination import PeriodQuery, PlainText
from .records.crud import RecordReader

_NEWEST_FIRST = (col(AuditEntry.created_at).desc(), col(AuditEntry.id))
RECORDS = RecordReader(AuditEntry, AuditRead, order_by=_NEWEST_FIRST)


class AuditQuery(PeriodQuery):
    caller: Caller | None = None
    user_id: UUID | None = None
    action: PlainText | None = Field(
        None, description="Id of the operation, e.g. update_tool for PATCH and put_tool for PUT"
    )
    object_type: PlainText | None = Field(None, description="E.g. assistants")
    object_id: UUID | None = None
    result: AuditResult | None = None
    request_id: PlainText | None = None
