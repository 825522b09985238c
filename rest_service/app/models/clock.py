"""The clock by which users see time."""

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger
from sqlmodel import Field, SQLModel


class ClockState(SQLModel, table=True):
    """The single row with the offset of the sandbox's clock."""

    __tablename__ = "clock_state"
    __table_args__ = (CheckConstraint("id = 1", name="ck_clock_state_single_row"),)

    id: int = Field(default=1, sa_type=SmallInteger, primary_key=True)
    offset_seconds: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    """How far the clock is ahead of real time; only the sandbox moves it, and only forward."""
    tzdata_version: str | None = Field(default=None, max_length=32)
    """The time zone database by which the next fires of all jobs were computed."""
