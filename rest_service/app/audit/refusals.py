"""How many refusals are noted: whoever is refused again and again fills no disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ..auth import Principal

HOUR_SECONDS = 3600.0
MOST_AN_HOUR = 100
"""Of each caller and process; with 30 days that they are kept some 50 MB in all."""

log = structlog.stdlib.get_logger()


@dataclass
class _Hour:
    began: float
    noted: int = 0
    left_out: int = 0


class Refusals:
    """Counts each caller's refusals by the hour. Who has no token is no caller."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._hours: dict[Principal, _Hour] = {}

    def admit(self, caller: Principal) -> int | None:
        """How many were left out before this one; None: this one is left out too."""
        hour, left_out = self._hour(caller)
        if hour.noted < MOST_AN_HOUR:
            hour.noted += 1
            return left_out
        if hour.left_out == 0:
            log.warning("too many refusals: no more are noted in this hour", caller=caller)
        hour.left_out += 1
        return None

    def _hour(self, caller: Principal) -> tuple[_Hour, int]:
        """The current one, and what an hour that is just over has left out."""
        now, last = self._now(), self._hours.get(caller)
        if last is not None and now - last.began < HOUR_SECONDS:
            return last, 0
        self._hours[caller] = _Hour(now)
        return self._hours[caller], last.left_out if last else 0
