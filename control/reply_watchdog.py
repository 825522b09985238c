"""What it means that no answer comes: who is slow is waited for, who is not there is not."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_CHECK_SECONDS = 3.0
"""Seconds without a sign of life until somebody looks why."""
CHECK_INTERVAL_SECONDS = 5.0
"""Seconds that a part gets which is just being started again."""
_ADVICE = "see ./manage.py status, and ./manage.py start for what is missing"


@dataclass
class ReplyWatchdog:
    """Begins with a message; a sign of life breaks it, and it begins anew."""

    find_missing: Callable[[], Mapping[str, str]]
    """Asks what is wrong, by name, with those who have to answer."""
    clock: Callable[[], float] = time.monotonic
    _next_check_at: float = field(init=False)
    _missing_before: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Somebody is at work."""
        self._next_check_at = self.clock() + FIRST_CHECK_SECONDS
        self._missing_before = frozenset()

    def get_failure(self) -> str:
        """Who is not there and what to do, where two looks have found the same; else empty."""
        if self.clock() < self._next_check_at:
            return ""
        found = self.find_missing()
        still = self._missing_before & found.keys()
        self._missing_before = frozenset(found)
        self._next_check_at = self.clock() + CHECK_INTERVAL_SECONDS
        return _format_failure({name: found[name] for name in found if name in still})

    def get_final_failure(self) -> str:
        """The same where nobody waits any longer: one look has to do."""
        return _format_failure(self.find_missing())


def _format_failure(found: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {found[name]}" for name in found)
    return f"{said}; {_ADVICE}" if said else ""
