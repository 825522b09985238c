"""Reminders and scheduled prompts, and their runs."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, String, false, text
from sqlmodel import Field, UniqueConstraint

from smart_kit.contracts.cron_jobs import CronJobType, RunState
from smart_kit.contracts.queue import NotificationPriority

from .base import UTC_TIMESTAMP, OwnedRecord, Row


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
    local_at: datetime | None = Field(default=None, sa_type=DateTime)
    """The local time that `at` was computed from; null: `at` is an instant."""
    cron_expression: str | None = Field(default=None, max_length=255)
    rrule: str | None = Field(default=None, max_length=255)
    timezone: str = Field(max_length=64)
    chat_id: int = Field(sa_type=BigInteger)
    bot_id: int | None = Field(default=None, sa_type=BigInteger)
    """The bot that the job was created with; null: any bot may fire it."""
    priority: NotificationPriority = Field(default="high", sa_type=String(16))
    is_active: bool = True
    next_fire_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    last_fired_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    """The newest time that was claimed."""


class CronJobRun(Row, table=True):
    """One firing of a job."""

    __tablename__ = "cron_job_runs"
    noun: ClassVar[str] = "run"
    __table_args__ = (
        UniqueConstraint("job_id", "scheduled_for"),
        Index("ix_cron_job_runs_claimed", "claimed_at", postgresql_where=text("state = 'claimed'")),
    )

    job_id: UUID = Field(foreign_key="cron_jobs.id", ondelete="CASCADE")
    scheduled_for: datetime = Field(sa_type=UTC_TIMESTAMP)
    state: RunState = Field(default="claimed", sa_type=String(16))
    reason: str | None = Field(default=None, max_length=255)
    """Why it was missed or failed."""
    missed_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Earlier times that were missed and are reported with this run."""
    first_missed_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    is_skipped: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether the run is too late to be executed, so that the user is only told of it."""
    acknowledged_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    snoozed_job_id: UUID | None = None
    """The reminder that a button under this one created."""
    claimed_at: datetime = Field(sa_type=UTC_TIMESTAMP)
    dispatched_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
    done_at: datetime | None = Field(default=None, sa_type=UTC_TIMESTAMP)
