"""What was said and spent. These rows outlive the records they name: no foreign keys."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, Numeric, String
from sqlmodel import Field, SQLModel, UniqueConstraint

from .base import UTC_TIMESTAMP, Row

MessageRole = Literal["user", "assistant", "tool"]


class Message(Row, table=True):
    """One item of a thread, as it was sent to the model."""

    __tablename__ = "messages"
    noun: ClassVar[str] = "message"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index(None, "thread_id", "turn_started_at", "position"),
        Index(None, "user_id", "turn_started_at"),
    )

    thread_id: UUID
    user_id: UUID
    assistant_id: UUID
    message_id: str = Field(max_length=255)
    position: int
    role: MessageRole = Field(sa_type=String(16))
    content: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    """Not JSONB: the model must receive it again byte for byte."""
    is_in_context: bool
    """Whether later turns send the item to the model."""
    created_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    turn_started_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    """Orders the turns of a thread. `created_at` does not: a user may write during a turn."""


class Turn(SQLModel, table=True):
    """The processing of one message: model and tool calls, with their cost."""

    __tablename__ = "turns"
    __table_args__ = (Index(None, "user_id", "started_at"), Index(None, "thread_id"))

    message_id: str = Field(max_length=255, primary_key=True)
    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    status: Literal["done", "failed"] = Field(sa_type=String(16))
    steps: list[dict[str, Any]] = Field(sa_type=JSON)
    prompt_tokens: int = Field(sa_type=BigInteger)
    completion_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal | None = Field(default=None, sa_type=Numeric)
    """USD; null if the price of a call is unknown."""
    started_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    finished_at: datetime = Field(sa_type=UTC_TIMESTAMP)


class Usage(Row, table=True):
    """One paid model call."""

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
