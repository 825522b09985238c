"""Reads updates for ever: a batch is confirmed only after it is where it cannot be lost."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError

from ..client.errors import (
    TELEGRAM_ERRORS,
    TelegramConflict,
    TelegramError,
    TelegramRetryAfter,
    TelegramUnauthorized,
)
from ..client.telegram import POLL_SECONDS, TelegramClient
from ..metrics import POLL_AGE
from .backoff import Backoff, pause
from .intake import Intake, greatest_id

SILENT_SECONDS = 90.0
"""Without a good poll for so long, the service is not healthy."""

REFUSED_SECONDS = 30.0
"""Between two tries with a token that Telegram refuses."""

T = TypeVar("T")

log = structlog.stdlib.get_logger()


class Poller:
    """`greet` is called until it succeeds once, before the first poll."""

    def __init__(
        self, client: TelegramClient, intake: Intake, greet: Callable[[], Awaitable[None]]
    ) -> None:
        self._client = client
        self._intake = intake
        self._greet = greet
        self._offset: int | None = None
        self._started_at = time.monotonic()
        self._last_poll_at: float | None = None
        self._trouble: str | None = None
        self._wait_seconds = 0
        """Nothing at first and after trouble: an empty answer says at once that all is well."""
        self._backoff = Backoff()
        self._intake_backoff = Backoff()
        POLL_AGE.set_function(self._age)

    def probe(self) -> str | None:
        """What keeps updates from coming, for `/health`."""
        if self._last_poll_at is None:
            return self._trouble or "Telegram has not answered yet"
        if self._age() < SILENT_SECONDS:
            return None
        return self._trouble or f"Telegram has not answered for {self._age():.0f} s"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        await self._until_it_works(self._greet, stop)
        while not stop.is_set():
            batch = await self._try(self._poll, stop)
            if batch is None:
                continue
            self._last_poll_at = time.monotonic()
            self._wait_seconds = POLL_SECONDS
            await self._take(batch, stop)

    async def _poll(self) -> list[Any]:
        return await self._client.get_updates(self._offset, self._wait_seconds)

    async def _take(self, batch: list[Any], stop: asyncio.Event) -> None:
        try:
            await self._intake.take(batch)
        except RedisError as error:  # not confirmed, so Telegram sends it again
            log.warning("redis is away", reason=str(error), updates=len(batch))
            await pause(stop, self._intake_backoff.next_seconds())
            return
        newest = greatest_id(batch)
        if batch and newest is None:  # nothing in it can be confirmed
            await pause(stop, self._intake_backoff.next_seconds())
            return
        self._intake_backoff.reset()
        self._offset = self._offset if newest is None else newest + 1

    async def _until_it_works(
        self, call: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        async def done() -> bool:
            await call()
            return True

        while not stop.is_set() and not await self._try(done, stop):
            pass

    async def _try(self, call: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T | None:
        """The call's result; None after a failure, when the time to wait is over, or at a stop."""
        try:
            result = await _unless(stop, call())
        except TELEGRAM_ERRORS as error:
            self._note(error)
            self._wait_seconds = 0
            await self._recover(error, stop)
            return None
        if result is None:
            return None
        self._backoff.reset()
        if self._trouble is not None:
            log.info("telegram answers again")
            self._trouble = None
        return result

    def _note(self, error: TelegramError) -> None:
        """One line for each new trouble, not for each try."""
        trouble = error.message
        if isinstance(error, TelegramUnauthorized):
            trouble = f"Telegram refuses the token ({error.status}); check TELEGRAM_TOKEN"
        if trouble != self._trouble:
            log.error("telegram cannot be read", reason=trouble)
        self._trouble = trouble

    async def _recover(self, error: TelegramError, stop: asyncio.Event) -> None:
        if isinstance(error, TelegramConflict) and "webhook" in error.message.lower():
            with contextlib.suppress(*TELEGRAM_ERRORS):
                await self._client.delete_webhook()
                log.info("the webhook is removed; its updates are kept")
        seconds = self._backoff.next_seconds()
        if isinstance(error, TelegramRetryAfter):
            seconds = max(seconds, error.seconds)
        elif isinstance(error, TelegramUnauthorized):
            seconds = REFUSED_SECONDS
        await pause(stop, seconds)

    def _age(self) -> float:
        """Seconds since the last good poll."""
        return time.monotonic() - (self._last_poll_at or self._started_at)


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
