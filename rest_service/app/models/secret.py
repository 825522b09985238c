from sqlmodel import Field

from .base import Record


class Secret(Record, table=True):
    """What a rest tool's call names, and no one is shown."""

    __tablename__ = "secrets"

    name: str = Field(max_length=64, unique=True)
    origin: str = Field(max_length=2048)
    """The only server it is sent to: `scheme://host[:port]`, without a usual port."""
    encrypted_value: str
    """By `Vault`, bound to this row."""
