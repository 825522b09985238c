"""Delays between attempts that grow with each failure in a row."""

import random

INITIAL_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 30.0


class Backoff:
    """Exponential back-off: each failure doubles the delay, up to a maximum."""

    def __init__(
        self, initial_seconds: float | None = None, max_seconds: float = MAX_DELAY_SECONDS
    ) -> None:
        self.failures = 0
        """Failures since the last success."""
        self._initial_seconds = initial_seconds
        self._max_seconds = max_seconds

    def reset(self) -> None:
        """Record a success."""
        self.failures = 0

    def next_delay(self) -> float:
        """Record a failure and return the delay before the next attempt, in seconds."""
        # the default is read here, so that tests can shorten it
        initial = INITIAL_DELAY_SECONDS if self._initial_seconds is None else self._initial_seconds
        seconds = min(initial * 2.0 ** min(self.failures, 10), self._max_seconds)
        self.failures += 1
        # random, so that replicas do not retry in step
        return seconds * random.uniform(0.75, 1.0)  # noqa: S311 # not used for security
