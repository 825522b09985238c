from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric
from sqlmodel import Field, UniqueConstraint

from .base import UTC_TIMESTAMP, Row


class Usage(Row, table=True):
    """One paid model call. It has no foreign keys: it outlives users and assistants."""

    __tablename__ = "usage"
    __table_args__ = (
        UniqueConstraint("message_id", "step"),
        Index(None, "created_at"),
        Index(None, "user_id", "created_at"),
        Index(None, "assistant_id", "created_at"),
        Index(None, "model", "created_at"),
        Index(None, "provider", "created_at"),
    )

    message_id: str = Field(max_length=255)
    step: str = Field(max_length=255)
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    model: str = Field(max_length=255)
    provider: str = Field(max_length=255)
    prompt_tokens: int = Field(sa_type=BigInteger)
    """BigInteger, so that an absurd count from a server does not make the turn unstorable."""
    cached_tokens: int = Field(sa_type=BigInteger)
    completion_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal | None = Field(default=None, sa_type=Numeric)
    seconds: float
    created_at: datetime = Field(sa_type=UTC_TIMESTAMP)
