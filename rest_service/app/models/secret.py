"""Secrets of rest tools."""

from typing import ClassVar

from sqlmodel import Field

from .base import Record


class Secret(Record, table=True):
    """A value for calls of rest tools. The API never returns it."""

    __tablename__ = "secrets"
    noun: ClassVar[str] = "secret"

    name: str = Field(max_length=64, unique=True)
    origin: str = Field(max_length=2048)
    """The only server it is sent to: `scheme://host[:port]`, without a default port."""
    encrypted_value: str
    """Encrypted by `Vault` for the id of this row."""
