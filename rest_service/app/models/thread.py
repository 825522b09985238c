"""Threads of conversations."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import Field, SQLModel, UniqueConstraint

from .base import UTC_TIMESTAMP, Record


class Thread(Record, table=True):
    """The current thread of a user with an assistant."""

    __tablename__ = "user_assistant_threads"
    noun: ClassVar[str] = "thread"
    __table_args__ = (UniqueConstraint("user_id", "assistant_id"),)

    user_id: UUID
    assistant_id: UUID
    thread_id: UUID
    last_used_at: datetime = Field(sa_type=UTC_TIMESTAMP)


class DeletedThread(SQLModel, table=True):
    """A deleted thread. The archive drops turns that were running when it was deleted."""

    __tablename__ = "deleted_threads"

    thread_id: UUID = Field(primary_key=True)
