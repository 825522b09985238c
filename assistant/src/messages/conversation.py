"""What a model is shown: the window of the history, then this turn's messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from .item import Item

_UNFINISHED = "(I could not finish this answer.)"
_HALVINGS = 2
"""So often half of a history is tried before the newest message is all that is shown."""


class Conversation:
    """The items of one assistant's run; `path` begins the names of its steps."""

    def __init__(self, history: Sequence[Item] = (), path: str = "") -> None:
        self.path = path
        self.history = tuple(history)
        self.items: list[Item] = []
        """Of this turn, the person's own first."""
        self.too_long_for: set[str] = set()
        """Models that do not even take its shortest form."""
        self._halvings_left = _HALVINGS

    @property
    def is_for_person(self) -> bool:
        """Whether its answer goes to somebody, and not to the assistant that asked."""
        return not self.path

    @property
    def all_items(self) -> list[Item]:
        """In the order in which they are sent."""
        return [*self.history, *self.items]

    def shorten(self) -> bool:
        """Forget the older half of the history, by its characters, and what providers added to the
        other; then all of it; then what was added in this turn. False where nothing is left."""
        if self.history:
            self.history = self._later_half()
            return True
        words = [item.words for item in self.items]
        is_shorter = words != self.items
        self.items = words
        return is_shorter

    def restore(self, whole: Self) -> None:
        """As it was when it was copied, before it was shortened."""
        self.history, self.items = whole.history, whole.items
        self._halvings_left = whole._halvings_left

    def _later_half(self) -> tuple[Item, ...]:
        items = [item.words for item in self.history]
        lengths = [len(item.json) for item in items]
        most = sum(lengths) // 2 if self._halvings_left else 0
        self._halvings_left -= 1
        begins = (at for at, item in enumerate(items) if item.is_from_user)
        first = next((at for at in begins if sum(lengths[at:]) <= most), len(items))
        return tuple(items[first:])

    def unfinished(self) -> list[Item]:
        """The items of a turn whose last answer is missing, closed so that the next can follow."""
        return [*self.items, Item.of({"role": "assistant", "content": _UNFINISHED})]


def dated(text: str, at: datetime) -> str:
    """The text below the line that tells a model when it was written, in the person's zone.

    The time stands here and not in the instructions, so that a request's beginning stays the same.
    """
    return f"[{at:%a %Y-%m-%d %H:%M} {at.tzinfo}]\n{text}"


def scheduled(text: str, planned_for: datetime) -> str:
    """How a model is told of a request that comes from a schedule and not from the person now."""
    return (
        f"Scheduled request, planned by the user for {planned_for:%Y-%m-%d %H:%M}."
        f" Do it now and tell the user the result:\n{text}"
    )
