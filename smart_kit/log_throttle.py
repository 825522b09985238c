"""Limits repeated warnings, so that an outage does not fill the log."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import EventDict, WrappedLogger

INTERVAL_SECONDS = 30.0
"""Least seconds between two equal lines."""
_MAX_LINES = 1000
"""Distinct lines that are remembered."""
_VOLATILE_KEYS = frozenset({"timestamp", "updates", "conversations", "failures", "seconds"})
"""Keys whose values are ignored when lines are compared."""


@dataclass
class _SeenLine:
    seen_at: float
    suppressed_count: int = 0


class LogThrottle:
    """Drops repeated warnings. Lines of a message, which have a correlation id, stay complete."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: dict[tuple[object, ...], _SeenLine] = {}

    def process(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Filter an event, as a structlog processor. The next line has the `suppressed_count`."""
        if event.get("level") != "warning" or "correlation_id" in event:
            return event
        key = tuple((name, str(event[name])) for name in event if name not in _VOLATILE_KEYS)
        now, last = self._now(), self._seen.get(key)
        if last is not None and now - last.seen_at < INTERVAL_SECONDS:
            last.suppressed_count += 1
            raise structlog.DropEvent
        if len(self._seen) >= _MAX_LINES:
            self._seen.clear()
        self._seen[key] = _SeenLine(now)
        suppressed_count = last.suppressed_count if last else 0
        return {**event, "suppressed_count": suppressed_count} if suppressed_count else event
