"""The sandbox's clock: real time, moved forward for all that users see."""

from pydantic import Field

from smart_kit.contracts.base import AwareDatetimeInput, Contract, RequestBody, UtcDatetime
from smart_kit.contracts.examples import example_config


class ClockRead(Contract):
    """The clock by which reminders fire and days begin."""

    now: UtcDatetime
    offset_seconds: int = Field(description="How far it is ahead of real time")


class ClockMove(RequestBody):
    """A move forward: exactly one of the fields."""

    model_config = example_config(advance_seconds=3600)

    advance_seconds: int | None = Field(None, description="How far to move it")
    now: AwareDatetimeInput | None = Field(None, description="What it shows afterwards")
