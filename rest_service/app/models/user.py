"""Users and what belongs to them."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, String, text, true
from sqlmodel import Field, SQLModel, UniqueConstraint

from smart_kit.contracts.cron_jobs import CronJobType, RunState
from smart_kit.contracts.queue import NotificationPriority
from smart_kit.contracts.tasks import TaskPriority, TaskStatus
from smart_kit.contracts.users import Role, UserStatus
from smart_kit.settings import Language

from .base import USD_AMOUNT, UTC_TIMESTAMP, OwnedRecord, Record, Row


class User(Record, table=True):
    """A Telegram user."""

    __tablename__ = "users"
    noun: ClassVar[str] = "user"

    telegram_id: int = Field(sa_type=BigInteger, unique=True)
    first_name: str = Field(default="", max_length=255)
    username: str | None = Field(default=None, max_length=255)
    language_code: str | None = Field(default=None, max_length=35)
    language: Language | None = Field(default=None, sa_type=String(8))
    timezone: str | None = Field(default=None, max_length=64)
    assistant_id: UUID | None = Field(default=None, foreign_key="assistants.id", index=True)
    model: str | None = Field(default=None, max_length=255)
    rich_messages: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    role: Role = Field(default="user", sa_type=String(16))
    status: UserStatus = Field(default="active", sa_type=String(16))
    is_invited: bool = False
    daily_budget: Decimal | None = Field(default=None, sa_type=USD_AMOUNT)
    version: int = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_kwargs={"server_default": text("nextval('user_version')")},
    )
    """Raised by a trigger with each change of the user or of their threads; never repeats."""

    def get_owner_id(self) -> UUID:
        """Return the id: users belong to themselves."""
        return self.id

    def get_timezone(self, default_timezone: str) -> str:
        """Return the time zone for times without one."""
        return self.timezone or default_timezone


class Invite(Row, table=True):
    """A single-use code, by its hash."""

    __tablename__ = "invites"

    code_hash: str = Field(max_length=64, unique=True)
    role: Role = Field(sa_type=String(16))
    expires_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    used_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    used_by: int | None = Field(default=None, sa_type=BigInteger)
    """A Telegram id, not a reference: the code stays used if the user is deleted."""


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


class CronJob(OwnedRecord, table=True):
    """A reminder or a scheduled prompt, once or recurring."""

    __tablename__ = "cron_jobs"
    noun: ClassVar[str] = "cron job"
    __table_args__ = (
        Index(None, "user_id"),
        Index("ix_cron_jobs_due", "next_fire_at", postgresql_where=text("is_active")),
    )

    type: CronJobType = Field(sa_type=String(16))
    name: str = Field(max_length=255)
    text: str
    at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    cron_expression: str | None = Field(default=None, max_length=255)
    timezone: str = Field(max_length=64)
    chat_id: int = Field(sa_type=BigInteger)
    bot_id: int | None = Field(default=None, sa_type=BigInteger)
    """The bot that the job was created with; null: any bot may fire it."""
    priority: NotificationPriority = Field(default="high", sa_type=String(16))
    is_active: bool = True
    next_fire_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)


class CronJobRun(Row, table=True):
    """One firing of a job."""

    __tablename__ = "cron_job_runs"
    __table_args__ = (
        UniqueConstraint("job_id", "scheduled_for"),
        Index("ix_cron_job_runs_claimed", "claimed_at", postgresql_where=text("state = 'claimed'")),
    )

    job_id: UUID = Field(foreign_key="cron_jobs.id", ondelete="CASCADE")
    scheduled_for: datetime = Field(sa_type=UTC_TIMESTAMP)
    state: RunState = Field(default="claimed", sa_type=String(16))
    claimed_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    dispatched_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    done_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)


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


class CalendarEvent(OwnedRecord, table=True):
    """An entry of the built-in calendar."""

    __tablename__ = "calendar_events"
    noun: ClassVar[str] = "calendar event"
    __table_args__ = (Index(None, "user_id", "starts_at", "ends_at"),)

    title: str = Field(max_length=255)
    starts_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    ends_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    timezone: str = Field(max_length=64)
    is_all_day: bool = False
    description: str = ""
    location: str = Field(default="", max_length=1024)
    attendees: list[str] = Field(default_factory=list, sa_type=JSON)
    google_event_id: str | None = Field(default=None, max_length=1024)
