"""How many refusals are noted: whoever is refused again and again fills no disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from smart_kit.contracts.audit import Caller

WINDOW_SECONDS = 3600.0
MAX_PER_HOUR = 100
"""Of each caller and process; with 30 days that they are kept some 50 MB in all."""

log = structlog.stdlib.get_logger()


@dataclass
class _Window:
    started_at: float
    recorded_count: int = 0
    suppressed_count: int = 0


class RefusalThrottle:
    """Counts each caller's refusals by the hour. Who has no token is no caller."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[Caller, _Window] = {}

    def allow(self, caller: Caller) -> int | None:
        """How many were left out before this one; None: this one is left out too."""
        window, suppressed_count = self._current_window(caller)
        if window.recorded_count < MAX_PER_HOUR:
            window.recorded_count += 1
            return suppressed_count
        if window.suppressed_count == 0:
            log.warning("refusal limit reached", caller=caller)
        window.suppressed_count += 1
        return None

    def _current_window(self, caller: Caller) -> tuple[_Window, int]:
        """The current one, and what an hour that is just over has left out."""
        now, last = self._now(), self._windows.get(caller)
        if last is not None and now - last.started_at < WINDOW_SECONDS:
            return last, 0
        self._windows[caller] = _Window(now)
        return self._windows[caller], last.suppressed_count if last else 0
