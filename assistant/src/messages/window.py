"""How much of a history a model is shown."""

from dataclasses import dataclass
from typing import Self

from smart_kit.contracts.configuration import AssistantSnapshot

from .item import Item

LONGEST_TURN = 22
"""Items of a turn with ten tool calls one after the other: the last turn is shown in any case."""


@dataclass(frozen=True)
class Window:
    """Limits of what is shown beside the newest message.

    The beginning moves by steps of half a window, not with every message: until it moves again,
    each request begins with the bytes of the one before, and a provider's cache can be used.
    """

    most_messages: int
    most_characters: int

    def of(self, record: AssistantSnapshot) -> Self:
        """The assistant's own, where its record says how long."""
        return type(self)(
            record.max_context_messages or self.most_messages,
            record.max_context_length or self.most_characters,
        )

    @property
    def most_read(self) -> int:
        """How many of a history's newest items have to be looked at."""
        return self.most_messages + LONGEST_TURN

    def cut(self, newest: list[str], length: int) -> list[Item]:
        """What to show of a history of that length, whose newest items these are.

        Begins with a person's message, so no call is parted from its result. A turn longer than the
        window is shown whole, as long as the characters allow.
        """
        items = [Item(raw) for raw in newest]
        before = length - len(items)
        step = max(1, self.most_messages // 2)
        start = _next_multiple(max(0, length + 1 - self.most_messages), step)
        while _characters(items[max(0, start - before) :]) > self.most_characters:
            start += step
        begins = [position for position, item in enumerate(items) if item.is_from_user]
        first = next((at for at in begins if at + before >= start), None)
        if first is not None:
            return items[first:]
        last_turn = items[begins[-1] :] if begins else []
        return last_turn if _characters(last_turn) <= self.most_characters else []


def _next_multiple(number: int, step: int) -> int:
    return -(-number // step) * step


def _characters(items: list[Item]) -> int:
    return sum(len(item.json) for item in items)
