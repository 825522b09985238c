"""How long to wait before the next try."""

import random

INITIAL_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 30.0


class Backoff:
    """Grows with each failure in a row, with some jitter."""

    def __init__(self, max_seconds: float = MAX_DELAY_SECONDS) -> None:
        self._max_seconds = max_seconds
        self._failures = 0

    def reset(self) -> None:
        """It went well."""
        self._failures = 0

    def next_delay(self) -> float:
        """After one more failure."""
        seconds = min(INITIAL_DELAY_SECONDS * 2.0 ** min(self._failures, 10), self._max_seconds)
        self._failures += 1
        return seconds * random.uniform(0.75, 1.0)  # noqa: S311 # no secret depends on it
