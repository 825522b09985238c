"""Limits how many refusals are recorded, so that a failing client does not fill the disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from smart_kit.contracts.audit import Caller

WINDOW_SECONDS = 3600.0
MAX_PER_HOUR = 100
"""For each caller and process. With 30 days of retention that is about 50 MB."""

log = structlog.stdlib.get_logger()


@dataclass
class _Window:
    started_at: float
    recorded_count: int = 0
    suppressed_count: int = 0


class RefusalThrottle:
    """Counts the refusals of each caller in windows of an hour."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[Caller, _Window] = {}

    def allow(self, caller: Caller) -> int | None:
        """Return how many refusals were suppressed before this one, or None to suppress it too."""
        window, suppressed_count = self._current_window(caller)
        if window.recorded_count < MAX_PER_HOUR:
            window.recorded_count += 1
            return suppressed_count
        if window.suppressed_count == 0:
            log.warning("refusal limit reached", caller=caller)
        window.suppressed_count += 1
        return None

    def _current_window(self, caller: Caller) -> tuple[_Window, int]:
        """Return the window, and how many refusals the previous one suppressed if it just ended."""
        now, last = self._now(), self._windows.get(caller)
        if last is not None and now - last.started_at < WINDOW_SECONDS:
            return last, 0
        self._windows[caller] = _Window(now)
        return self._windows[caller], last.suppressed_count if last else 0
