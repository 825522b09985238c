"""Limits how much of a history a model sees."""

import math
from dataclasses import dataclass
from typing import Self

from smart_kit.contracts.configuration import AssistantSnapshot

from ..core.turn import MAX_TOOL_CALLS
from .item import ChatItem

MAX_CALLS_PER_RESPONSE = 2 * MAX_TOOL_CALLS
"""Calls kept of an answer. Those beyond the turn's limit get an error, further ones are dropped."""
MAX_TURN_ITEMS = 2 * MAX_TOOL_CALLS + MAX_CALLS_PER_RESPONSE + 1
"""Items of the longest possible turn: all allowed calls but one come one by one, then one answer
has as many calls as it can. The last turn has to fit, because a model always sees it."""


@dataclass(frozen=True)
class ContextWindow:
    """Limits of the history before the newest message.

    The start of the window moves by steps of half a window, not with every message. Between two
    moves each request begins with the bytes of the one before, so that a provider's prompt cache
    can be used.
    """

    max_messages: int
    max_characters: int

    def for_assistant(self, record: AssistantSnapshot) -> Self:
        """Return the window of this assistant, whose record may have limits of its own."""
        return type(self)(
            record.max_context_messages or self.max_messages,
            record.max_context_length or self.max_characters,
        )

    @property
    def history_items_to_load(self) -> int:
        """How many of the newest items `truncate_history` needs."""
        return self.max_messages + MAX_TURN_ITEMS

    @property
    def history_limit(self) -> int:
        """How many items of a history Redis keeps.

        What is left after a quarter of them was removed is enough for this window. The quarter is a
        multiple of the window's steps, so that the removal does not move its start.
        """
        steps = math.ceil(self.history_items_to_load / (3 * self._step))
        return 4 * steps * self._step

    @property
    def max_extras_characters(self) -> int:
        """Characters of provider extras that are shown besides the messages."""
        return self.max_characters // 4

    @property
    def _step(self) -> int:
        return max(1, self.max_messages // 2)

    def truncate_history(self, newest: list[str], length: int) -> list[ChatItem]:
        """Return the items to show of a history with `length` items, the newest of which are given.

        The result begins with a user message, so that no tool call is separated from its result. A
        turn longer than the window is shown whole if its characters fit. Provider extras have a
        limit of their own: only the newest turns keep them, and their start moves by the same
        steps.
        """
        items = [ChatItem(raw) for raw in newest]
        before = length - len(items)
        step = self._step
        start = _round_up_to_multiple(max(0, length + 1 - self.max_messages), step) - before
        turn_starts = [at for at, item in enumerate(items) if item.is_from_user]
        text_lengths = [len(item.json_without_extras) for item in items]
        extras_lengths = [
            len(item.json) - plain for item, plain in zip(items, text_lengths, strict=True)
        ]
        starts = range(start, len(items) + step, step)
        first = _find_start(text_lengths, turn_starts, starts, self.max_characters)
        extras_start = _find_start(extras_lengths, turn_starts, starts, self.max_extras_characters)
        return [
            *(item.without_extras for item in items[first:extras_start]),
            *items[max(first, extras_start) :],
        ]

    def strip_for_history(self, turn: list[ChatItem]) -> list[ChatItem]:
        """Return the items of a finished turn as its history stores them.

        Provider extras are stored only if they fit into the next turn's window. It is all or
        nothing, because a chain of reasoning items must be complete.
        """
        extras_length = sum(len(item.json) - len(item.json_without_extras) for item in turn)
        if extras_length <= self.max_extras_characters:
            return turn
        return [item.without_extras for item in turn]


def _find_start(lengths: list[int], turn_starts: list[int], starts: range, max_total: int) -> int:
    """Return the index of the first item to show, so that the shown lengths sum up to at most
    `max_total`: the first turn after one of `starts`, else the last turn if it fits, else the end.
    """
    start = next(at for at in starts if sum(lengths[max(0, at) :]) <= max_total)
    later = [at for at in turn_starts if at >= start]
    alone = [at for at in turn_starts[-1:] if sum(lengths[at:]) <= max_total]
    return next(iter([*later, *alone]), len(lengths))


def _round_up_to_multiple(number: int, step: int) -> int:
    return -(-number // step) * step
