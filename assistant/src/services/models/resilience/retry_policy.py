"""How long one model is asked, and what is asked again."""

import asyncio
import random
from dataclasses import dataclass, field

from smart_kit.errors import UpstreamError, UpstreamUnavailable

from ....core.errors import CircuitOpen, EmptyResponse, StreamInterrupted
from .circuit_breaker import OPEN_SECONDS

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
MAX_BREAKER_WAIT_SECONDS = 2 * OPEN_SECONDS
"""How long one request may wait for a model that is left alone or being probed: who waits holds a
slot that others need."""
MIN_CALL_SECONDS = 0.5
"""With less time left no call is begun."""


def loop_time() -> float:
    """By the clock of the time-outs."""
    return asyncio.get_running_loop().time()


@dataclass
class RetryPolicy:
    """How long one model is asked in one call."""

    deadline: float
    """By the event loop's clock."""
    is_last: bool
    """Whether nobody else is asked after it."""
    has_fallbacks: bool
    """Whether the chain has other models at all."""
    attempts: int = 1
    adaptations: int = 0
    started_at: float = field(default_factory=loop_time)
    retried_errors: set[type[UpstreamError]] = field(default_factory=set)
    """What has been tried again and is not a second time."""

    def next_delay(self, error: UpstreamError, breaker_delay: float) -> float | None:
        """How long to wait before the model, left alone for a `pause`, is asked again; None: there
        is no sense in it."""
        if isinstance(error, EmptyResponse | StreamInterrupted):
            is_hopeless = isinstance(error, EmptyResponse) and error.is_filtered
            is_over = loop_time() + MIN_CALL_SECONDS > self.deadline
            if is_hopeless or is_over or type(error) in self.retried_errors:
                return None
            self.retried_errors.add(type(error))
            return 0.0
        if not isinstance(error, UpstreamUnavailable):
            return None
        delay = max(_backoff_delay(self.attempts, error.retry_after), breaker_delay)
        ready = loop_time() + delay
        is_late = ready + MIN_CALL_SECONDS > self.deadline
        is_breaker_too_slow = breaker_delay and (
            not self.is_last or ready > self.started_at + MAX_BREAKER_WAIT_SECONDS
        )
        if self.attempts == MAX_ATTEMPTS or is_late or is_breaker_too_slow:
            return None
        self.attempts += not isinstance(error, CircuitOpen)
        return delay


def _backoff_delay(attempts: int, retry_after: float | None) -> float:
    """How long to wait; never less than the server asked for."""
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    own = float(BACKOFF_SECONDS * 2 ** (attempts - 1) * jitter)
    return own if retry_after is None else retry_after + own / 5
