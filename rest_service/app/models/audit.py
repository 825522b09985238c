"""The audit log. It outlives the records it names: no foreign keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlmodel import Field

from smart_kit.contracts.audit import AuditResult, Caller
from smart_kit.contracts.base import utc_now

from .base import NULLABLE_JSON, UTC_TIMESTAMP, Row


class AuditEntry(Row, table=True):
    """One write through the API. Triggers allow only the deletion of old refusals."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "created_at"),
        Index(None, "user_id", "created_at"),
        Index(None, "object_id", "created_at"),
        Index("ix_audit_log_refused", "created_at", postgresql_where=text("result = 'refused'")),
    )

    caller: Caller = Field(sa_type=String(16))
    user_id: UUID | None = None
    action: str = Field(max_length=64)
    object_type: str = Field(max_length=64)
    object_id: UUID | None = None
    path: str
    result: AuditResult = Field(sa_type=String(16))
    status: int
    request_id: str | None = Field(default=None, max_length=128)
    after: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    suppressed_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
