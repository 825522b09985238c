"""The version of the configuration, and the versions of assistants and tools."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String
from sqlmodel import Field, SQLModel, UniqueConstraint

from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import utc_now

from .base import NULLABLE_JSON, UTC_TIMESTAMP, Row


class ConfigurationVersion(SQLModel, table=True):
    """The single row with the version of the configuration, which triggers raise.

    Code that changes the configuration locks the row first, so that changes are serialized.
    """

    __tablename__ = "configuration"

    id: int = Field(default=1, primary_key=True)
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class RecordVersion(Row, table=True):
    """An assistant or a tool after a change. It has no foreign keys: it outlives the record."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("object_id", "number"),)

    object_type: str = Field(max_length=16)
    """The table's name: "assistants" or "tools"."""
    object_id: UUID
    number: int
    configuration_version: int
    caller: Caller | None = Field(default=None, sa_type=String(16))
    request_id: str | None = Field(default=None, max_length=128)
    content: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE_JSON)
    """Not JSONB, which would change the order of the keys in schemas. Null: the deletion."""
    restored_from: int | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
