"""Reads updates for ever: a batch is confirmed only after it is where it cannot be lost."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from ..client.errors import TELEGRAM_ERRORS, TelegramConflict, TelegramError
from ..client.telegram import POLL_SECONDS, TelegramClient
from ..metrics import POLL_AGE
from .backoff import Backoff, pause
from .intake import Intake, greatest_id
from .patience import Patience

SILENT_SECONDS = 90.0
"""Without a good poll for so long, the service is not healthy."""

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
        self._patience = Patience(self._recover)
        self._wait_seconds = 0
        """Nothing at first and after trouble: an empty answer says at once that all is well."""
        self._intake_backoff = Backoff()
        POLL_AGE.set_function(self._age)

    def probe(self) -> str | None:
        """What keeps updates from coming, for `/health`."""
        trouble = self._patience.trouble
        if self._last_poll_at is None:
            return trouble or "Telegram has not answered yet"
        if self._age() < SILENT_SECONDS:
            return None
        return trouble or f"Telegram has not answered for {self._age():.0f} s"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        await self._patience.until_it_works(self._greet, stop)
        while not stop.is_set():
            batch = await self._patience.once(self._poll, stop)
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

    async def _recover(self, error: TelegramError) -> None:
        """A webhook of an earlier configuration gives way; its updates are kept."""
        self._wait_seconds = 0
        if isinstance(error, TelegramConflict) and "webhook" in error.message.lower():
            with contextlib.suppress(*TELEGRAM_ERRORS):
                await self._client.delete_webhook()
                log.info("the webhook is removed; its updates are kept")

    def _age(self) -> float:
        """Seconds since the last good poll."""
        return time.monotonic() - (self._last_poll_at or self._started_at)
