"""What a model is shown: the window of the history, then this turn's messages."""

from collections.abc import Sequence
from datetime import datetime

from .item import Item

_UNFINISHED = "(I could not finish this answer.)"


class Conversation:
    """The items of one assistant's run; `path` begins the names of its steps."""

    def __init__(self, history: Sequence[Item] = (), path: str = "") -> None:
        self.path = path
        self.history = tuple(history)
        self.items: list[Item] = []
        """Of this turn, the person's own first."""

    @property
    def is_for_person(self) -> bool:
        """Whether its answer goes to somebody, and not to the assistant that asked."""
        return not self.path

    @property
    def all_items(self) -> list[Item]:
        """In the order in which they are sent."""
        return [*self.history, *self.items]

    def shorten(self) -> bool:
        """Forget the older half of the history; False where there is none."""
        if not self.history:
            return False
        later = self.history[(len(self.history) + 1) // 2 :]
        first = next((i for i, item in enumerate(later) if item.is_from_user), len(later))
        self.history = later[first:]
        return True

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
