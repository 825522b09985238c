"""Entries of the built-in calendar."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import JSON, Index
from sqlmodel import Field

from .base import UTC_TIMESTAMP, OwnedRecord


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
