"""How long one model is asked, and what is asked again."""

import asyncio
import random
from dataclasses import dataclass, field

from smart_kit.errors import UpstreamError, UpstreamUnavailable

from ...core.errors import CutOff, EmptyAnswer, LeftAlone
from .breaker import PAUSE_SECONDS

TRIES = 3
BACKOFF_SECONDS = 0.5
LEFT_ALONE_SECONDS = 2 * PAUSE_SECONDS
"""How long one request may wait for a model that is left alone or being probed: who waits holds a
slot that others need."""
LEAST_SECONDS = 0.5
"""With less time left no call is begun."""


def now() -> float:
    """By the clock of the time-outs."""
    return asyncio.get_running_loop().time()


@dataclass
class Patience:
    """How long one model is asked in one call."""

    until: float
    """By the event loop's clock."""
    is_last: bool
    """Whether nobody else is asked after it."""
    has_others: bool
    """Whether the chain has other models at all."""
    tries: int = 1
    adapted: int = 0
    begun: float = field(default_factory=now)
    once: set[type[UpstreamError]] = field(default_factory=set)
    """What has been tried again and is not a second time."""

    def wait(self, error: UpstreamError, pause: float) -> float | None:
        """How long to wait before the model, left alone for a `pause`, is asked again; None: there
        is no sense in it."""
        if isinstance(error, EmptyAnswer | CutOff):
            is_vain = isinstance(error, EmptyAnswer) and error.is_filtered
            is_over = now() + LEAST_SECONDS > self.until
            if is_vain or is_over or type(error) in self.once:
                return None
            self.once.add(type(error))
            return 0.0
        if not isinstance(error, UpstreamUnavailable):
            return None
        wait = max(_backoff(self.tries, error.retry_after), pause)
        ready = now() + wait
        is_late = ready + LEAST_SECONDS > self.until
        is_pausing = pause and (not self.is_last or ready > self.begun + LEFT_ALONE_SECONDS)
        if self.tries == TRIES or is_late or is_pausing:
            return None
        self.tries += not isinstance(error, LeftAlone)
        return wait


def _backoff(tries: int, asked_for: float | None) -> float:
    """How long to wait; never less than the server asked for."""
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    own = float(BACKOFF_SECONDS * 2 ** (tries - 1) * jitter)
    return own if asked_for is None else asked_for + own / 5
