"""Circuit breaker: stops calling a model that keeps failing, then probes it with one request."""

from typing import Literal

from prometheus_client import Counter, Gauge

from smart_kit.contracts.models import ModelApi

FAILURE_THRESHOLD = 5
"""Consecutive failures that open the circuit."""
OPEN_SECONDS = 10.0
"""Seconds that the circuit stays open at first; each failed probe doubles them."""
MAX_OPEN_SECONDS = 60.0
PROBE_RETRY_SECONDS = 1.0
"""Seconds that other requests wait before they check the result of a running probe."""

BREAKER_STATE = Gauge(
    "smart_assistant_model_breaker_state",
    "State of a model's circuit: 0 closed, 1 half open (one request probes it), 2 open",
    ["provider", "model", "api"],
)
BREAKER_OPENED = Counter(
    "smart_assistant_model_breaker_opened_total",
    "How often a model's circuit opened",
    ["provider", "model", "api"],
)

Permit = Literal["request", "probe"]


class CircuitBreaker:
    """Guards one model behind one API, in this process.

    Times are seconds of the event loop's clock.
    """

    def __init__(self, provider: str, model: str, api: ModelApi) -> None:
        self._state = BREAKER_STATE.labels(provider, model, api)
        self._opened = BREAKER_OPENED.labels(provider, model, api)
        self._failures = 0
        self._open_seconds = OPEN_SECONDS
        self._open_until: float | None = None
        self._is_probing = False
        self._state.set(0)

    def seconds_until_retry(self, now: float) -> float:
        """Return the seconds until a request may be allowed; 0: one is allowed now."""
        if self._open_until is None:
            return 0.0
        return PROBE_RETRY_SECONDS if self._is_probing else max(0.0, self._open_until - now)

    def acquire(self, now: float) -> Permit | None:
        """Return a permit for one request, or None while the circuit is open.

        The caller has to end a permit with `record_success`, `record_failure` or `release`.
        """
        if self.seconds_until_retry(now) > 0:
            return None
        if self._open_until is None:
            return "request"
        self._is_probing = True
        self._state.set(1)
        return "probe"

    def record_success(self) -> None:
        """Close the circuit: the model responded."""
        self._failures, self._open_seconds = 0, OPEN_SECONDS
        self._open_until, self._is_probing = None, False
        self._state.set(0)

    def record_failure(self, permit: Permit, now: float, min_open_seconds: float = 0.0) -> None:
        """Count a failure, and open the circuit at the threshold or after a failed probe.

        With `min_open_seconds` it opens at once, for at least that long.
        """
        self._failures += 1
        if permit == "probe":
            self._is_probing = False
            self._open_seconds = min(self._open_seconds * 2, MAX_OPEN_SECONDS)
        elif self._open_until is not None:
            return  # this request was sent before the circuit opened
        elif self._failures < FAILURE_THRESHOLD and not min_open_seconds:
            return
        self._open_until = now + max(self._open_seconds, min_open_seconds)
        self._state.set(2)
        self._opened.inc()

    def release(self, permit: Permit) -> None:
        """End a permit without a result; after a probe the next request may probe."""
        if permit == "probe":
            self._is_probing = False
            self._state.set(2)
