"""What a model is shown: the window of the history, then this turn's messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from .item import ChatItem

_UNFINISHED_REPLY = "(I could not finish this answer.)"
_MAX_HALVINGS = 2
"""So often half of a history is tried before the newest message is all that is shown."""


class Conversation:
    """The items of one assistant's run; `path` begins the names of its steps."""

    def __init__(self, history: Sequence[ChatItem] = (), path: str = "") -> None:
        self.path = path
        self.history = tuple(history)
        self.items: list[ChatItem] = []
        """Of this turn, the person's own first."""
        self.too_long_for: set[str] = set()
        """Models that do not even take its shortest form."""
        self._halvings_left = _MAX_HALVINGS

    @property
    def is_for_person(self) -> bool:
        """Whether its answer goes to somebody, and not to the assistant that asked."""
        return not self.path

    @property
    def all_items(self) -> list[ChatItem]:
        """In the order in which they are sent."""
        return [*self.history, *self.items]

    def shorten(self) -> bool:
        """Forget the older half of the history, by its characters, and what providers added to the
        other; then all of it; then what was added in this turn. False where nothing is left."""
        if self.history:
            self.history = self._select_newer_half()
            return True
        without_extras = [item.without_extras for item in self.items]
        is_shorter = without_extras != self.items
        self.items = without_extras
        return is_shorter

    def restore(self, original: Self) -> None:
        """As it was when it was copied, before it was shortened."""
        self.history, self.items = original.history, original.items
        self._halvings_left = original._halvings_left

    def _select_newer_half(self) -> tuple[ChatItem, ...]:
        items = [item.without_extras for item in self.history]
        lengths = [len(item.json) for item in items]
        max_length = sum(lengths) // 2 if self._halvings_left else 0
        self._halvings_left -= 1
        begins = (at for at, item in enumerate(items) if item.is_from_user)
        first = next((at for at in begins if sum(lengths[at:]) <= max_length), len(items))
        return tuple(items[first:])

    def build_unfinished_items(self) -> list[ChatItem]:
        """The items of a turn whose last answer is missing, closed so that the next can follow."""
        return [
            *self.items,
            ChatItem.from_message({"role": "assistant", "content": _UNFINISHED_REPLY}),
        ]


def add_timestamp(text: str, at: datetime) -> str:
    """The text below the line that tells a model when it was written, in the person's zone.

    The time stands here and not in the instructions, so that a request's beginning stays the same.
    """
    return f"[{at:%a %Y-%m-%d %H:%M} {at.tzinfo}]\n{text}"


def build_scheduled_text(text: str, planned_for: datetime) -> str:
    """How a model is told of a request that comes from a schedule and not from the person now."""
    return (
        f"Scheduled request, planned by the user for {planned_for:%Y-%m-%d %H:%M}."
        f" Do it now and tell the user the result:\n{text}"
    )
