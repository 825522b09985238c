"""Users and invitations."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue, String, text, true
from sqlmodel import Field

from smart_kit.contracts.users import Role, UserStatus
from smart_kit.settings import Language

from .base import USD_AMOUNT, UTC_TIMESTAMP, Record, Row


class User(Record, table=True):
    """A Telegram user."""

    __tablename__ = "users"
    __mapper_args__: ClassVar[dict[str, Any]] = {"eager_defaults": True}
    """An update returns the version."""
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
        sa_column_kwargs={
            "server_default": text("nextval('user_version')"),
            "server_onupdate": FetchedValue(),
        },
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
