"""The attempts at one action that is repeated until it succeeds."""

import time

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from smart_kit.backoff import Backoff
from smart_kit.errors import SmartAssistantError

RETRYABLE_ERRORS = (SmartAssistantError, RedisError, ValidationError)
"""rest_service or Redis is unavailable, refuses the request or sends an invalid response."""

WARN_AFTER_SECONDS = 30.0
"""Time without success before a warning; the other service may only be starting."""

log = structlog.stdlib.get_logger()


class Attempts:
    """Counts failures, logs the first one and the recovery, and warns once if failures last."""

    def __init__(self, action: str, backoff: Backoff) -> None:
        self.last_error: str | None = "starting"
        """Why the last attempt failed; None: it succeeded."""
        self.succeeded_at: float | None = None
        """Time of the last success on the monotonic clock."""
        self._action = action
        self._backoff = backoff
        self._failing_since = 0.0
        self._has_warned = False

    def record_success(self) -> None:
        """Record a success."""
        self.succeeded_at = time.monotonic()
        self.last_error = None
        if self._backoff.failures:
            log.info(f"{self._action} recovered", failures=self._backoff.failures)
        self._backoff.reset()
        self._has_warned = False

    def record_failure(self, error: Exception) -> float:
        """Record a failure and return the seconds until the next attempt."""
        self.last_error = str(error).partition("\n")[0]
        if not self._backoff.failures:
            self._failing_since = time.monotonic()
            log.info(f"{self._action} failed", reason=self.last_error)
        failing_seconds = time.monotonic() - self._failing_since
        if failing_seconds > WARN_AFTER_SECONDS and not self._has_warned:
            log.warning(f"{self._action} still failing", reason=self.last_error)
            self._has_warned = True
        return self._backoff.next_delay()
