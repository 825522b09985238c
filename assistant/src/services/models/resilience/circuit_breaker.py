"""Leaves a model alone that only fails, and tries it again with one request at a time."""

from typing import Literal

from prometheus_client import Counter, Gauge

from smart_kit.contracts.models import ModelApi

FAILURE_THRESHOLD = 5
"""One after the other; then it is left alone."""
OPEN_SECONDS = 10.0
"""At first; each probe that fails doubles it."""
MAX_OPEN_SECONDS = 60.0
PROBE_RETRY_SECONDS = 1.0
"""How long others wait before they look again whether a probe has come back."""

BREAKER_STATE = Gauge(
    "smart_assistant_model_breaker_state",
    "Of a model: 0 is asked, 1 one request probes it, 2 left alone",
    ["provider", "model", "api"],
)
BREAKER_OPENED = Counter(
    "smart_assistant_model_breaker_opened_total",
    "How often a model was left alone",
    ["provider", "model", "api"],
)

Permit = Literal["request", "probe"]


class CircuitBreaker:
    """Of one model asked by one API, in this process.

    Moments are seconds of the event loop's clock.
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
        """Until it is worth trying; 0 where a request may go out."""
        if self._open_until is None:
            return 0.0
        return PROBE_RETRY_SECONDS if self._is_probing else max(0.0, self._open_until - now)

    def acquire(self, now: float) -> Permit | None:
        """As what a request may go out, if it may; then one of the three below has to follow."""
        if self.seconds_until_retry(now) > 0:
            return None
        if self._open_until is None:
            return "request"
        self._is_probing = True
        self._state.set(1)
        return "probe"

    def record_success(self) -> None:
        """It is there, whatever it said."""
        self._failures, self._open_seconds = 0, OPEN_SECONDS
        self._open_until, self._is_probing = None, False
        self._state.set(0)

    def record_failure(
        self, permit: Permit, now: float, min_open_seconds: float | None = None
    ) -> None:
        """It is not; `at_least` so many seconds it should be left alone, where that is known."""
        self._failures += 1
        if permit == "probe":
            self._is_probing = False
            self._open_seconds = min(self._open_seconds * 2, MAX_OPEN_SECONDS)
        elif self._open_until is not None:
            return  # it was on its way when the others failed
        elif self._failures < FAILURE_THRESHOLD and min_open_seconds is None:
            return
        self._open_until = now + max(self._open_seconds, min_open_seconds or 0.0)
        self._state.set(2)
        self._opened.inc()

    def release(self, permit: Permit) -> None:
        """Nobody waited for the answer: the next request may probe."""
        if permit == "probe":
            self._is_probing = False
            self._state.set(2)
