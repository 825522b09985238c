"""What it means that no answer comes: who is slow is waited for, who is not there is not."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_LOOK = 3.0
"""Seconds without a sign of life until somebody looks why."""
NEXT_LOOK = 5.0
"""Seconds that a part gets which is just being started again."""
_ADVICE = "see ./manage.py status, and ./manage.py start for what is missing"


@dataclass
class Silence:
    """Begins with a message; a sign of life breaks it, and it begins anew."""

    missing: Callable[[], Mapping[str, str]]
    """Asks what is wrong, by name, with those who have to answer."""
    clock: Callable[[], float] = time.monotonic
    _look_at: float = field(init=False)
    _missed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.broken()

    def broken(self) -> None:
        """Somebody is at work."""
        self._look_at = self.clock() + FIRST_LOOK
        self._missed = frozenset()

    def reason(self) -> str:
        """Who is not there and what to do, where two looks have found the same; else empty."""
        if self.clock() < self._look_at:
            return ""
        found = self.missing()
        still = self._missed & found.keys()
        self._missed = frozenset(found)
        self._look_at = self.clock() + NEXT_LOOK
        return _said({name: found[name] for name in found if name in still})

    def end(self) -> str:
        """The same where nobody waits any longer: one look has to do."""
        return _said(self.missing())


def _said(found: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {found[name]}" for name in found)
    return f"{said}; {_ADVICE}" if said else ""
