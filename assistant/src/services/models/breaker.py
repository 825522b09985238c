"""Leaves a model alone that only fails, and tries it again with one request at a time."""

from typing import Literal

from prometheus_client import Counter, Gauge

from smart_kit.contracts.models import ModelApi

FAILURES = 5
"""One after the other; then it is left alone."""
PAUSE_SECONDS = 10.0
"""At first; each probe that fails doubles it."""
LONGEST_PAUSE_SECONDS = 60.0
PROBE_SECONDS = 1.0
"""How long others wait before they look again whether a probe has come back."""

STATE = Gauge(
    "smart_assistant_model_breaker_state",
    "Of a model: 0 is asked, 1 one request probes it, 2 left alone",
    ["provider", "model", "api"],
)
OPENED = Counter(
    "smart_assistant_model_breaker_opened_total",
    "How often a model was left alone",
    ["provider", "model", "api"],
)

Errand = Literal["request", "probe"]


class Breaker:
    """Of one model asked by one API, in this process.

    Moments are seconds of the event loop's clock.
    """

    def __init__(self, provider: str, model: str, api: ModelApi) -> None:
        self._state = STATE.labels(provider, model, api)
        self._opened = OPENED.labels(provider, model, api)
        self._failures = 0
        self._pause = PAUSE_SECONDS
        self._open_until: float | None = None
        self._is_probing = False
        self._state.set(0)

    def seconds_left(self, now: float) -> float:
        """Until it is worth trying; 0 where a request may go out."""
        if self._open_until is None:
            return 0.0
        return PROBE_SECONDS if self._is_probing else max(0.0, self._open_until - now)

    def begin(self, now: float) -> Errand | None:
        """As what a request may go out, if it may; then one of the three below has to follow."""
        if self.seconds_left(now) > 0:
            return None
        if self._open_until is None:
            return "request"
        self._is_probing = True
        self._state.set(1)
        return "probe"

    def answered(self) -> None:
        """It is there, whatever it said."""
        self._failures, self._pause = 0, PAUSE_SECONDS
        self._open_until, self._is_probing = None, False
        self._state.set(0)

    def failed(self, errand: Errand, now: float, at_least: float | None = None) -> None:
        """It is not; `at_least` so many seconds it should be left alone, where that is known."""
        self._failures += 1
        if errand == "probe":
            self._is_probing = False
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        elif self._open_until is not None:
            return  # it was on its way when the others failed
        elif self._failures < FAILURES and at_least is None:
            return
        self._open_until = now + max(self._pause, at_least or 0.0)
        self._state.set(2)
        self._opened.inc()

    def abandoned(self, errand: Errand) -> None:
        """Nobody waited for the answer: the next request may probe."""
        if errand == "probe":
            self._is_probing = False
            self._state.set(2)
