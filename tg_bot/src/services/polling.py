"""Reads updates for ever: a batch is confirmed only after it is where it cannot be lost."""

import asyncio
import contextlib
import math
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
from .patience import Patience, Pause

SILENT_SECONDS = 90.0
"""Without a good poll for so long, the service is not healthy."""

MAX_FAILURES = 3
"""Nor after so many that failed in a row."""

CONFLICT_SECONDS = 10.0
"""The longest pause for another program that reads between our polls."""

log = structlog.stdlib.get_logger()


class Poller:
    """`greet` is called until it succeeds once, before the first poll."""

    def __init__(
        self,
        client: TelegramClient,
        intake: Intake,
        greet: Callable[[], Awaitable[None]],
        *,
        pause: Pause = pause,
    ) -> None:
        self._client = client
        self._intake = intake
        self._greet = greet
        self._offset: int | None = None
        self._pause = pause
        self._started_at: float | None = None
        self._last_poll_at: float | None = None
        self._patience = Patience(self._recover, pause=pause)
        self._wait_seconds = 0
        """Nothing at first and after trouble: an empty answer says at once that all is well."""
        self._intake_backoff = Backoff()
        self._conflicts = Backoff(CONFLICT_SECONDS)
        self._conflict_at = -math.inf
        POLL_AGE.set_function(self._age)

    def probe(self) -> str | None:
        """What keeps updates from coming, for `/health`."""
        trouble = self._patience.trouble
        if self._last_poll_at is None:
            return trouble or "Telegram has not answered yet"
        if self._age() < SILENT_SECONDS and self._patience.failures < MAX_FAILURES:
            return None
        return trouble or f"Telegram has not answered for {self._age():.0f} s"

    def note(self) -> str:
        """Who else takes updates; polls may succeed in spite of it."""
        ago = time.monotonic() - self._conflict_at
        if ago > SILENT_SECONDS:
            return ""
        return (
            f"another program reads this bot's updates, with the same token (409 {ago:.0f} s ago)"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; may be run again after that."""
        self._offset, self._last_poll_at, self._wait_seconds = None, None, 0
        self._started_at = time.monotonic()
        try:
            await self._read(stop)
        finally:
            self._started_at = self._last_poll_at = None

    async def _read(self, stop: asyncio.Event) -> None:
        await self._patience.until_it_works(self._greet, stop)
        while not stop.is_set():
            batch = await self._patience.once(self._poll, stop)
            if batch is None:
                continue
            self._last_poll_at = time.monotonic()
            if self._wait_seconds:  # nobody has interrupted it
                self._conflicts.reset()
            self._wait_seconds = POLL_SECONDS
            await self._take(batch, stop)

    async def _poll(self) -> list[Any]:
        return await self._client.get_updates(self._offset, self._wait_seconds)

    async def _take(self, batch: list[Any], stop: asyncio.Event) -> None:
        try:
            await self._intake.take(batch)
        except RedisError as error:  # not confirmed, so Telegram sends it again
            log.warning("redis is away", reason=str(error), updates=len(batch))
            await self._pause(stop, self._intake_backoff.next_seconds())
            return
        newest = greatest_id(batch)
        if batch and newest is None:  # nothing in it can be confirmed
            await self._pause(stop, self._intake_backoff.next_seconds())
            return
        self._intake_backoff.reset()
        self._offset = self._offset if newest is None else newest + 1

    async def _recover(self, error: TelegramError) -> float:
        """A webhook of an earlier configuration gives way; its updates are kept.

        Another reader's polls and ours end each other, and short ones of ours succeed in between:
        so the pause grows until a long one has.
        """
        self._wait_seconds = 0
        if not isinstance(error, TelegramConflict):
            return 0.0
        if "webhook" in error.message.lower():
            with contextlib.suppress(*TELEGRAM_ERRORS):
                await self._client.delete_webhook()
                log.info("the webhook is removed; its updates are kept")
            return 0.0
        self._conflict_at = time.monotonic()
        return self._conflicts.next_seconds()

    def _age(self) -> float:
        """Seconds since the last good poll; no number where this process does not poll."""
        since = self._last_poll_at or self._started_at
        return math.nan if since is None else time.monotonic() - since
