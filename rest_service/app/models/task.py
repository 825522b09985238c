"""Tasks."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index, String
from sqlmodel import Field

from smart_kit.contracts.tasks import TaskPriority, TaskStatus

from .base import UTC_TIMESTAMP, OwnedRecord


class Task(OwnedRecord, table=True):
    """A to-do item of a user."""

    __tablename__ = "tasks"
    noun: ClassVar[str] = "task"
    __table_args__ = (
        Index(None, "user_id", "due_at", "created_at"),
        Index(None, "user_id", "status", "due_at", "created_at"),
    )

    title: str = Field(max_length=500)
    status: TaskStatus = Field(default="open", sa_type=String(16))
    due_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    priority: TaskPriority = Field(default="normal", sa_type=String(16))
    completed_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
