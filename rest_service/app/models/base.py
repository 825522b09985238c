"""Base classes and types of the tables. Times are aware and in UTC."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import JSON, DateTime, Numeric
from sqlmodel import Field, SQLModel

from smart_kit.contracts.base import utc_now

NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION

UTC_TIMESTAMP = DateTime(timezone=True)
USD_AMOUNT = Numeric(12, 6)
NULLABLE_JSON = JSON(none_as_null=True)


class Row(SQLModel):
    """A row with an id."""

    noun: ClassVar[str] = "row"
    """What error messages call it."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)

    def get_owner_id(self) -> UUID | None:
        """Return the user to whom the row belongs, if it belongs to one."""
        return getattr(self, "user_id", None)


class Record(Row):
    """A row with the times of its creation and its last change."""

    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIMESTAMP)
    updated_at: datetime = Field(
        default_factory=utc_now, sa_type=UTC_TIMESTAMP, sa_column_kwargs={"onupdate": utc_now}
    )


class OwnedRecord(Record):
    """A record of a user, deleted with the user."""

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
