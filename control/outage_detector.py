"""Decides when to stop waiting for a reply: slow services are waited for, stopped ones are not."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_CHECK_SECONDS = 3.0
"""Seconds without activity before the services are checked."""
CHECK_INTERVAL_SECONDS = 5.0
"""Seconds between two checks, in which a service may be restarting."""
_ADVICE = "see ./manage.py status, and ./manage.py start for what is missing"


@dataclass
class OutageDetector:
    """Starts with a message; activity resets it."""

    find_unhealthy: Callable[[], Mapping[str, str]]
    """Returns the problem of each unhealthy service that a reply needs."""
    clock: Callable[[], float] = time.monotonic
    _next_check_at: float = field(init=False)
    _missing_before: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Note activity."""
        self._next_check_at = self.clock() + FIRST_CHECK_SECONDS
        self._missing_before = frozenset()

    def get_outage(self) -> str:
        """Return the services that two consecutive checks have missed, with advice; else empty."""
        if self.clock() < self._next_check_at:
            return ""
        missing, missing_before = self.find_unhealthy(), self._missing_before
        self._missing_before = frozenset(missing)
        self._next_check_at = self.clock() + CHECK_INTERVAL_SECONDS
        return _format_outage({it: missing[it] for it in missing if it in missing_before})

    def get_outage_now(self) -> str:
        """Return the same after a single check, when the time is up."""
        return _format_outage(self.find_unhealthy())


def _format_outage(missing: Mapping[str, str]) -> str:
    problems = ", ".join(f"{name} {problem}" for name, problem in missing.items())
    return f"{problems}; {_ADVICE}" if problems else ""
