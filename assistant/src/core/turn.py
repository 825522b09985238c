"""The state of a turn, shared by its assistants and tools."""

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

from .journal import Journal, order_effects, step_sort_key
from .turn_progress import TurnProgress

TURN_TIMEOUT_SECONDS = 90.0
MAX_TOOL_CALLS = 10


class UserBudget(Protocol):
    """What a user may spend on models today; costs are in USD."""

    is_low: bool
    """Whether the notice that the budget is nearly used up belongs to this answer."""
    is_share_used_up: bool
    """Whether only the part for scheduled prompts was too small for the newest refused call."""

    async def reserve(self, key: str, cost: Decimal) -> bool:
        """Replace the cost reserved under this key. Returns False if the budget is too small."""

    async def claim_pause_notice(self, message_id: str) -> bool:
        """Return whether this refused scheduled prompt is the one whose user is told so."""

    async def settle(self, key: str, cost: Decimal) -> None:
        """Replace the reservation by the actual cost; 0: nothing was spent."""


@dataclass
class Turn:
    """One attempt at one message, including its sub-assistants."""

    message_id: str
    chat_id: int
    user: UserSnapshot
    assistant_id: UUID
    thread_id: UUID
    configuration_version: int
    zone: ZoneInfo
    """The user's time zone."""
    requested_at: datetime
    """When the message was written, by the clock of `smart_kit` and in `zone`. It is the turn's
    "now" and the same in every attempt."""
    is_scheduled: bool
    """Whether a schedule has caused it, and not the user."""
    journal: Journal
    progress: TurnProgress
    budget: UserBudget
    started_at: datetime = field(default_factory=utc_now)
    deadline: float = field(
        default_factory=lambda: asyncio.get_running_loop().time() + TURN_TIMEOUT_SECONDS
    )
    """Event loop time."""
    tool_calls_left: int = MAX_TOOL_CALLS
    models_down: set[str] = field(default_factory=set)
    steps: list[StepRecord] = field(default_factory=list)
    """In the order in which they finished."""
    effects: dict[str, tuple[EffectRead, ...]] = field(default_factory=dict)
    """The changes of each step, including those of earlier attempts."""

    def record_effects(self, step: str, effects: tuple[EffectRead, ...]) -> None:
        """Record the changes of a step; changed settings apply to the next steps of the turn."""
        self.effects[step] = effects
        for effect in effects:
            if effect.kind == "settings_changed" and effect.after is not None:
                self.apply_timezone(effect.after["timezone"])

    def apply_timezone(self, timezone: str | None) -> None:
        """Use the zone that the user has now."""
        if timezone is not None:
            self.user = self.user.model_copy(update={"timezone": timezone})
            self.zone = ZoneInfo(timezone)
            self.requested_at = self.requested_at.astimezone(self.zone)

    @property
    def receipts(self) -> tuple[EffectRead, ...]:
        """The changes, in the order of their steps."""
        return order_effects(self.effects)

    @property
    def ordered_steps(self) -> tuple[StepRecord, ...]:
        """The steps in the order in which they were started."""
        return tuple(sorted(self.steps, key=lambda record: step_sort_key(record.step)))

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())
