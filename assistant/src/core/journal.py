"""What a turn has done so far, kept so that another attempt does not do it again.

A step is `<model call>` or `<model call>.<tool index>`, dotted on for sub-assistants: `2.0.1` is
the first model call of the assistant that the first tool of the second model call asks.
"""

from collections.abc import Mapping
from typing import TypeVar

from smart_kit.contracts.base import Contract, UtcDatetime
from smart_kit.contracts.effects import EffectRead
from smart_kit.mailbox import Delivery, Mailbox

StepT = TypeVar("StepT", bound=Contract)


class ToolResult(Contract):
    """What came of a tool call."""

    content: str
    """For the model."""
    effects: tuple[EffectRead, ...] = ()
    """What it changed."""
    started_at: UtcDatetime | None = None
    seconds: float = 0.0


class Journal:
    """The finished steps of one message."""

    def __init__(
        self, mailbox: Mailbox, delivery: Delivery, message_id: str, steps: Mapping[str, str]
    ) -> None:
        self._mailbox = mailbox
        self._delivery = delivery
        self._message_id = message_id
        self._steps = steps

    def find(self, step: str, step_type: type[StepT]) -> StepT | None:
        """What an earlier attempt finished."""
        stored = self._steps.get(step)
        return None if stored is None else step_type.model_validate_json(stored)

    async def save(self, step: str, result: Contract) -> None:
        """Write a step down. Raises Superseded where another worker has the message now."""
        value = result.model_dump_json(exclude_defaults=True)
        await self._mailbox.journal(self._delivery, self._message_id, step, value)


def step_order(step: str) -> tuple[int, ...]:
    """Sorts steps as they were begun."""
    return tuple(int(part) for part in step.split("."))


def parse_effects(steps: Mapping[str, str]) -> dict[str, tuple[EffectRead, ...]]:
    """What the tools of a journal have changed, by step."""
    return {
        step: ToolResult.model_validate_json(stored).effects
        for step, stored in steps.items()
        if step.count(".") % 2 == 1  # a tool call and no model call
    }


def to_receipts(effects: Mapping[str, tuple[EffectRead, ...]]) -> tuple[EffectRead, ...]:
    """The effects in the order of their steps."""
    return tuple(effect for step in sorted(effects, key=step_order) for effect in effects[step])
