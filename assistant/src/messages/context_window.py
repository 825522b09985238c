"""How much of a history a model is shown."""

from dataclasses import dataclass
from typing import Self

from smart_kit.contracts.configuration import AssistantSnapshot

from ..core.turn import MAX_TOOL_CALLS
from .item import ChatItem

MAX_CALLS_PER_RESPONSE = 2 * MAX_TOOL_CALLS
"""Of one answer: those that a turn has no room for are told so, more are not kept."""
MAX_TURN_ITEMS = 2 * MAX_TOOL_CALLS + MAX_CALLS_PER_RESPONSE + 1
"""Items of a turn whose calls come one after the other until the last but one, and then as many as
one answer can have: the last turn is shown in any case."""


@dataclass(frozen=True)
class ContextWindow:
    """Limits of what is shown beside the newest message.

    The beginning moves by steps of half a window, not with every message: until it moves again,
    each request begins with the bytes of the one before, and a provider's cache can be used.
    """

    max_messages: int
    max_characters: int

    def for_assistant(self, record: AssistantSnapshot) -> Self:
        """The assistant's own, where its record says how long."""
        return type(self)(
            record.max_context_messages or self.max_messages,
            record.max_context_length or self.max_characters,
        )

    @property
    def max_history_items(self) -> int:
        """How many of a history's newest items have to be looked at."""
        return self.max_messages + MAX_TURN_ITEMS

    @property
    def max_extras_characters(self) -> int:
        """How many characters of what providers added are shown beside the words."""
        return self.max_characters // 4

    def truncate_history(self, newest: list[str], length: int) -> list[ChatItem]:
        """What to show of a history of that length, whose newest items these are.

        Begins with a person's message, so no call is parted from its result. A turn longer than the
        window is shown whole, as long as the characters allow. Characters are those of the words:
        what providers added never takes their place. It is shown of the newest turns only, and
        where that begins moves by the same steps.
        """
        items = [ChatItem(raw) for raw in newest]
        before = length - len(items)
        step = max(1, self.max_messages // 2)
        start = _round_up_to_multiple(max(0, length + 1 - self.max_messages), step) - before
        turn_starts = [at for at, item in enumerate(items) if item.is_from_user]
        text_lengths = [len(item.json_without_extras) for item in items]
        first = _find_start(
            text_lengths, turn_starts, range(start, len(items) + step, step), self.max_characters
        )
        extras_lengths = [
            len(item.json) - plain for item, plain in zip(items, text_lengths, strict=True)
        ]
        extras_start = _find_start(
            extras_lengths,
            turn_starts,
            range(start, len(items) + step, step),
            self.max_extras_characters,
        )
        return [
            *(item.without_extras for item in items[first:extras_start]),
            *items[max(first, extras_start) :],
        ]

    def strip_for_history(self, turn: list[ChatItem]) -> list[ChatItem]:
        """The items of a turn that has ended, as its history keeps them.

        What providers added stays where the next turn may show it, and all of it or nothing: of a
        chain of thoughts no link is left out.
        """
        extras_length = sum(len(item.json) - len(item.json_without_extras) for item in turn)
        return (
            turn
            if extras_length <= self.max_extras_characters
            else [item.without_extras for item in turn]
        )


def _find_start(lengths: list[int], turn_starts: list[int], starts: range, max_total: int) -> int:
    """With which turn to begin, so that no more than `most` are left: the first after one of
    `starts`, or the last one if it fits by itself; the end where none does."""
    start = next(at for at in starts if sum(lengths[max(0, at) :]) <= max_total)
    later = [at for at in turn_starts if at >= start]
    alone = [at for at in turn_starts[-1:] if sum(lengths[at:]) <= max_total]
    return next(iter([*later, *alone]), len(lengths))


def _round_up_to_multiple(number: int, step: int) -> int:
    return -(-number // step) * step
