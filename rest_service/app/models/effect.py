"""Changes that tools made. They outlive the records they name: no foreign keys."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, String
from sqlmodel import Field, UniqueConstraint

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectKind

from .base import NULLABLE_JSON, UTC_TIMESTAMP, Row


class Effect(Row, table=True):
    """A change that a tool made, and how to undo it."""

    __tablename__ = "effects"
    noun: ClassVar[str] = "effect"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "message_id", "step"),
        UniqueConstraint("undoes"),
    )

    user_id: UUID
    kind: EffectKind = Field(sa_type=String(64))
    before: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    after: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    reversal: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    undoes: UUID | None = None
    """The effect that this one undoes; each can be undone once."""
    message_id: str = Field(max_length=255)
    step: str = Field(max_length=255)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
