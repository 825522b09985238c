"""Journal of the finished steps of a turn, so that another attempt does not repeat them.

A step is `<model call>` or `<model call>.<tool index>`, continued for sub-assistants: `2.0.1` is
the first model call of the assistant that the first tool call of the second model call runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.effects import EffectRead
from smart_kit.mailbox import Delivery, Mailbox

StepT = TypeVar("StepT", bound=Contract)


class ToolResult(Contract):
    """The result of a tool call."""

    content: str
    """The text for the model."""
    effects: tuple[EffectRead, ...] = ()
    """The changes it made."""
    started_at: UtcDatetime | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Journal:
    """The finished steps of one message, which the mailbox stores."""

    mailbox: Mailbox
    delivery: Delivery
    message_id: str
    steps: Mapping[str, str]

    def find(self, step: str, step_type: type[StepT]) -> StepT | None:
        """Return the result of a step that an earlier attempt finished."""
        stored = self.steps.get(step)
        return None if stored is None else step_type.model_validate_json(stored)

    async def save(self, step: str, result: Contract) -> None:
        """Store the result of a step. Raises LeaseLost if another worker has the message now."""
        value = result.model_dump_json(exclude_defaults=True)
        await self.mailbox.journal(self.delivery, self.message_id, step, value)


def step_sort_key(step: str) -> tuple[int, ...]:
    """Return the sort key that orders steps as they were started."""
    return tuple(int(part) for part in step.split("."))


def parse_effects(steps: Mapping[str, str]) -> dict[str, tuple[EffectRead, ...]]:
    """Return the changes that tool calls of a journal made, by step."""
    return {
        step: ToolResult.model_validate_json(stored).effects
        for step, stored in steps.items()
        if step.count(".") % 2 == 1  # a tool call and no model call
    }


def order_effects(effects: Mapping[str, tuple[EffectRead, ...]]) -> tuple[EffectRead, ...]:
    """Return the effects in the order of their steps."""
    return tuple(effect for step in sorted(effects, key=step_sort_key) for effect in effects[step])
