"""Calls Telegram until it answers: one line in the log for each new trouble, and a back-off."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from ..client.errors import (
    TELEGRAM_ERRORS,
    TelegramError,
    TelegramFenced,
    TelegramRetryAfter,
    TelegramUnauthorized,
)
from .backoff import Backoff, pause

REFUSED_SECONDS = 30.0
"""Between two tries with a token that Telegram refuses."""

FENCED_SECONDS = 0.5
"""Between two tries while it is not known which process serves the bot."""

T = TypeVar("T")
Recover = Callable[[TelegramError], Awaitable[float]]
Pause = Callable[[asyncio.Event, float], Awaitable[None]]

log = structlog.stdlib.get_logger()


class Patience:
    """`recover` is called after each failure, and says how long the pause is at least."""

    def __init__(self, recover: Recover | None = None, *, pause: Pause = pause) -> None:
        self.trouble: str | None = None
        """Why the last call failed; None: it did not."""
        self.failures = 0
        """In a row."""
        self._pause = pause
        self._recover = recover
        self._backoff = Backoff()

    async def until_it_works(
        self, call: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Again and again until it has succeeded once, or until a stop."""

        async def done() -> bool:
            await call()
            return True

        while not stop.is_set() and not await self.once(done, stop):
            pass

    async def once(self, call: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
        """The call's result; None after a failure, when the time to wait is over, or at a stop."""
        try:
            result = await _unless(stop, call())
        except TELEGRAM_ERRORS as error:
            self._note(error)
            seconds = self._seconds(error)
            if self._recover is not None:
                seconds = max(seconds, await self._recover(error))
            await self._pause(stop, seconds)
            return None
        if result is None:
            return None
        self._backoff.reset()
        self.failures = 0
        if self.trouble is not None:
            log.info("telegram answers again")
            self.trouble = None
        return result

    def _note(self, error: TelegramError) -> None:
        trouble = error.message
        if isinstance(error, TelegramUnauthorized):
            trouble = f"Telegram refuses the token ({error.status}); check TELEGRAM_TOKEN"
        if trouble != self.trouble:
            log.error("telegram cannot be read", reason=trouble)
        self.trouble = trouble
        self.failures += 1

    def _seconds(self, error: TelegramError) -> float:
        if isinstance(error, TelegramFenced):
            return FENCED_SECONDS
        seconds = self._backoff.next_seconds()
        if isinstance(error, TelegramRetryAfter):
            return max(seconds, error.seconds)
        return REFUSED_SECONDS if isinstance(error, TelegramUnauthorized) else seconds


async def _unless(stop: asyncio.Event, call: Awaitable[T]) -> T | None:
    """The result, or None where the stop comes first; Telegram may hold a poll for long."""
    task, stopping = asyncio.ensure_future(call), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, stopping):
            one.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
