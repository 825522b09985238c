"""Retries calls to Telegram with exponential back-off. A repeated error is logged once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from smart_kit.aio import sleep_until_stopped
from smart_kit.backoff import Backoff

from ..client.errors import (
    TELEGRAM_ERRORS,
    LeaseNotHeld,
    TelegramError,
    TelegramRetryAfter,
    TelegramUnauthorized,
)

UNAUTHORIZED_RETRY_SECONDS = 30.0
"""Seconds between two attempts while Telegram refuses the token."""

LEASE_RETRY_SECONDS = 0.5
"""Seconds between two attempts while this process does not hold the leader lease."""

T = TypeVar("T")
ErrorHook = Callable[[TelegramError], Awaitable[float]]
Sleep = Callable[[asyncio.Event, float], Awaitable[None]]

log = structlog.stdlib.get_logger()


class TelegramRetrier:
    """Retries calls. `on_error` runs after each failure and returns the minimum delay."""

    def __init__(
        self, on_error: ErrorHook | None = None, *, sleep: Sleep = sleep_until_stopped
    ) -> None:
        self.last_error: str | None = None
        """Why the last call failed; None if it succeeded."""
        self.consecutive_failures = 0
        self._sleep = sleep
        self._on_error = on_error
        self._backoff = Backoff()

    async def call_until_success(
        self, call: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Repeat the call until it succeeds once, or until `stop`."""

        async def call_returning_true() -> bool:
            await call()
            return True

        while not stop.is_set() and not await self.call_once(call_returning_true, stop):
            pass

    async def call_once(self, call: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
        """Return the call's result; None at `stop`, or after a failure and the delay for it."""
        try:
            result = await _await_unless_stopped(stop, call())
        except TELEGRAM_ERRORS as error:
            self._record_failure(error)
            seconds = self._next_delay(error)
            if self._on_error is not None:
                seconds = max(seconds, await self._on_error(error))
            await self._sleep(stop, seconds)
            return None
        if result is None:
            return None
        self._backoff.reset()
        self.consecutive_failures = 0
        if self.last_error is not None:
            log.info("telegram available again")
            self.last_error = None
        return result

    def _record_failure(self, error: TelegramError) -> None:
        reason = error.message
        if isinstance(error, TelegramUnauthorized):
            reason = f"Telegram refuses the token ({error.status}); check TELEGRAM_TOKEN"
        if reason != self.last_error:
            log.error("telegram unavailable", reason=reason)
        self.last_error = reason
        self.consecutive_failures += 1

    def _next_delay(self, error: TelegramError) -> float:
        if isinstance(error, LeaseNotHeld):
            return LEASE_RETRY_SECONDS
        seconds = self._backoff.next_delay()
        if isinstance(error, TelegramRetryAfter):
            return max(seconds, error.seconds)
        return UNAUTHORIZED_RETRY_SECONDS if isinstance(error, TelegramUnauthorized) else seconds


async def _await_unless_stopped(stop: asyncio.Event, call: Awaitable[T]) -> T | None:
    """Return the result, or None if `stop` comes first: a long poll must not delay it."""
    task, stopping = asyncio.ensure_future(call), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        stopping.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
