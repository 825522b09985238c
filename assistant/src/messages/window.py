"""How much of a history a model is shown."""

from dataclasses import dataclass
from typing import Self

from smart_kit.contracts.configuration import AssistantSnapshot

from ..core.turn import MAX_TOOL_CALLS
from .item import Item

MOST_CALLS = 2 * MAX_TOOL_CALLS
"""Of one answer: those that a turn has no room for are told so, more are not kept."""
LONGEST_TURN = 2 * MAX_TOOL_CALLS + MOST_CALLS + 1
"""Items of a turn whose calls come one after the other until the last but one, and then as many as
one answer can have: the last turn is shown in any case."""


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

    @property
    def most_added(self) -> int:
        """How many characters of what providers added are shown beside the words."""
        return self.most_characters // 4

    def cut(self, newest: list[str], length: int) -> list[Item]:
        """What to show of a history of that length, whose newest items these are.

        Begins with a person's message, so no call is parted from its result. A turn longer than the
        window is shown whole, as long as the characters allow. Characters are those of the words:
        what providers added never takes their place. It is shown of the newest turns only, and
        where that begins moves by the same steps.
        """
        items = [Item(raw) for raw in newest]
        before = length - len(items)
        step = max(1, self.most_messages // 2)
        start = _next_multiple(max(0, length + 1 - self.most_messages), step) - before
        begins = [at for at, item in enumerate(items) if item.is_from_user]
        words = [len(item.plain) for item in items]
        first = _begin(words, begins, range(start, len(items) + step, step), self.most_characters)
        added = [len(item.json) - plain for item, plain in zip(items, words, strict=True)]
        whole = _begin(added, begins, range(start, len(items) + step, step), self.most_added)
        return [*(item.words for item in items[first:whole]), *items[max(first, whole) :]]

    def kept(self, turn: list[Item]) -> list[Item]:
        """The items of a turn that has ended, as its history keeps them.

        What providers added stays where the next turn may show it, and all of it or nothing: of a
        chain of thoughts no link is left out.
        """
        added = sum(len(item.json) - len(item.plain) for item in turn)
        return turn if added <= self.most_added else [item.words for item in turn]


def _begin(lengths: list[int], begins: list[int], starts: range, most: int) -> int:
    """With which turn to begin, so that no more than `most` are left: the first after one of
    `starts`, or the last one if it fits by itself; the end where none does."""
    start = next(at for at in starts if sum(lengths[max(0, at) :]) <= most)
    later = [at for at in begins if at >= start]
    alone = [at for at in begins[-1:] if sum(lengths[at:]) <= most]
    return next(iter([*later, *alone]), len(lengths))


def _next_multiple(number: int, step: int) -> int:
    return -(-number // step) * step
