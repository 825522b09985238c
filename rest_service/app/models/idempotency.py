"""Responses to requests with an Idempotency-Key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, UniqueConstraint

from smart_kit.contracts.base import utc_now

from .base import NULLABLE_JSON, UTC_TIMESTAMP, Row


class IdempotencyKey(Row, table=True):
    """The response to a request with an Idempotency-Key, for its repetitions."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("owner_id", "key", postgresql_nulls_not_distinct=True),)

    owner_id: UUID | None = None
    """The user that the call acted for; null: an administrator acted for no user."""
    key: str = Field(max_length=255)
    fingerprint: str = Field(max_length=64)
    """SHA-256 of the method, the path and the body."""
    response: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
