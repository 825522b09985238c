"""Keeps an outage from filling the log: what is said again and again is said now and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import EventDict, WrappedLogger

SECONDS = 30.0
"""Between two lines that say the same."""
_MOST = 1000
"""Different lines that are remembered."""
_PASSING = frozenset({"timestamp", "updates", "conversations", "failures", "seconds"})
"""What may differ between two lines that say the same."""


@dataclass
class _Said:
    at: float
    left_out: int = 0


class Repetition:
    """Warnings that belong to no message: an operator follows a message by each of its lines."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._said: dict[tuple[object, ...], _Said] = {}

    def event(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """A processor of structlog's; the next line that is let through says `left_out`."""
        if event.get("level") != "warning" or "correlation_id" in event:
            return event
        words = tuple((name, str(value)) for name, value in event.items() if name not in _PASSING)
        now, last = self._now(), self._said.get(words)
        if last is not None and now - last.at < SECONDS:
            last.left_out += 1
            raise structlog.DropEvent
        if len(self._said) >= _MOST:
            self._said.clear()
        self._said[words] = _Said(now)
        return {**event, "left_out": last.left_out} if last and last.left_out else event
