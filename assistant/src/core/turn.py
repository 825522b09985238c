"""A message at work: what its assistants and tools know of it, and what they have done."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.threads import StepRecord
from smart_kit.contracts.users import UserSnapshot

from .journal import Journal, step_order, to_receipts
from .turn_progress import TurnProgress

TURN_TIMEOUT_SECONDS = 90.0
MAX_TOOL_CALLS = 10


class Budget(Protocol):
    """What a person may spend on models today; costs in USD."""

    is_low: bool
    """Whether this message's answer has to say that it is nearly used up."""

    async def reserve(self, key: str, cost: Decimal) -> bool:
        """Set a cost aside under this key, in place of what was there; False: it does not fit."""

    async def settle(self, key: str, cost: Decimal) -> None:
        """What it was in the end; 0: nothing was spent."""


@dataclass
class Turn:
    """One attempt at one message, its sub-assistants included."""

    message_id: str
    chat_id: int
    user: UserSnapshot
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    zone: ZoneInfo
    """Of the person."""
    requested_at: datetime
    """When the message was written, by the clock of `smart_kit` and in `zone`: the turn's "now",
    the same however often it is tried."""
    journal: Journal
    progress: TurnProgress
    budget: Budget
    started_at: datetime = field(default_factory=utc_now)
    deadline: float = field(
        default_factory=lambda: asyncio.get_running_loop().time() + TURN_TIMEOUT_SECONDS
    )
    """By the event loop's clock, as all time-outs."""
    tool_calls_left: int = MAX_TOOL_CALLS
    models_down: set[str] = field(default_factory=set)
    steps: list[StepRecord] = field(default_factory=list)
    """In the order in which they ended."""
    effects: dict[str, tuple[EffectRead, ...]] = field(default_factory=dict)
    """What each step has changed, earlier attempts included."""

    @property
    def receipts(self) -> tuple[EffectRead, ...]:
        """What was changed, in the order of the steps."""
        return to_receipts(self.effects)

    @property
    def ordered_steps(self) -> tuple[StepRecord, ...]:
        """In the order in which they were begun."""
        return tuple(sorted(self.steps, key=lambda record: step_order(record.step)))

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())
