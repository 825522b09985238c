"""Reads updates for ever: a batch is confirmed only after it is where it cannot be lost."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped
from smart_kit.backoff import Backoff

from ..client.errors import TELEGRAM_ERRORS, TelegramConflict, TelegramError
from ..client.telegram import POLL_TIMEOUT_SECONDS, TelegramClient
from ..metrics import POLL_AGE_SECONDS
from .retry import Sleep, TelegramRetrier
from .update_processor import UpdateProcessor, find_max_update_id

MAX_SILENCE_SECONDS = 90.0
"""Without a good poll for so long, the service is not healthy."""

MAX_CONSECUTIVE_FAILURES = 3
"""Nor after so many that failed in a row."""

MAX_CONFLICT_DELAY_SECONDS = 10.0
"""The longest pause for another program that reads between our polls."""

log = structlog.stdlib.get_logger()


class Poller:
    """`greet` is called until it succeeds once, before the first poll."""

    def __init__(
        self,
        client: TelegramClient,
        update_processor: UpdateProcessor,
        on_start: Callable[[], Awaitable[None]],
        *,
        sleep: Sleep = sleep_until_stopped,
    ) -> None:
        self._client = client
        self._update_processor = update_processor
        self._on_start = on_start
        self._offset: int | None = None
        self._sleep = sleep
        self._started_at: float | None = None
        self._last_poll_at: float | None = None
        self._retrier = TelegramRetrier(self._on_error, sleep=sleep)
        self._poll_timeout_seconds = 0
        """Nothing at first and after trouble: an empty answer says at once that all is well."""
        self._processing_backoff = Backoff()
        self._conflict_backoff = Backoff(max_seconds=MAX_CONFLICT_DELAY_SECONDS)
        self._conflict_at = -math.inf
        POLL_AGE_SECONDS.set_function(self._seconds_since_poll)

    def health_error(self) -> str | None:
        """What keeps updates from coming, for `/health`."""
        last_error = self._retrier.last_error
        if self._last_poll_at is None:
            return last_error or "Telegram has not answered yet"
        if (
            self._seconds_since_poll() < MAX_SILENCE_SECONDS
            and self._retrier.consecutive_failures < MAX_CONSECUTIVE_FAILURES
        ):
            return None
        return last_error or f"Telegram has not answered for {self._seconds_since_poll():.0f} s"

    def health_note(self) -> str:
        """Who else takes updates; polls may succeed in spite of it."""
        ago = time.monotonic() - self._conflict_at
        if ago > MAX_SILENCE_SECONDS:
            return ""
        return (
            f"another program reads this bot's updates, with the same token (409 {ago:.0f} s ago)"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`; may be run again after that."""
        self._offset, self._last_poll_at, self._poll_timeout_seconds = None, None, 0
        self._started_at = time.monotonic()
        try:
            await self._poll_until_stopped(stop)
        finally:
            self._started_at = self._last_poll_at = None

    async def _poll_until_stopped(self, stop: asyncio.Event) -> None:
        await self._retrier.call_until_success(self._on_start, stop)
        while not stop.is_set():
            batch = await self._retrier.call_once(self._poll, stop)
            if batch is None:
                continue
            self._last_poll_at = time.monotonic()
            if self._poll_timeout_seconds:  # nobody has interrupted it
                self._conflict_backoff.reset()
            self._poll_timeout_seconds = POLL_TIMEOUT_SECONDS
            await self._process(batch, stop)

    async def _poll(self) -> list[Any]:
        return await self._client.get_updates(self._offset, self._poll_timeout_seconds)

    async def _process(self, batch: list[Any], stop: asyncio.Event) -> None:
        try:
            await self._update_processor.process_batch(batch)
        except RedisError as error:  # not confirmed, so Telegram sends it again
            log.warning("redis unavailable", reason=str(error), updates=len(batch))
            await self._sleep(stop, self._processing_backoff.next_delay())
            return
        max_update_id = find_max_update_id(batch)
        if batch and max_update_id is None:  # nothing in it can be confirmed
            await self._sleep(stop, self._processing_backoff.next_delay())
            return
        self._processing_backoff.reset()
        self._offset = self._offset if max_update_id is None else max_update_id + 1

    async def _on_error(self, error: TelegramError) -> float:
        """A webhook of an earlier configuration gives way; its updates are kept.

        Another reader's polls and ours end each other, and short ones of ours succeed in between:
        so the pause grows until a long one has.
        """
        self._poll_timeout_seconds = 0
        if not isinstance(error, TelegramConflict):
            return 0.0
        if "webhook" in error.message.lower():
            with contextlib.suppress(*TELEGRAM_ERRORS):
                await self._client.delete_webhook()
                log.info("webhook removed, pending updates retained")
            return 0.0
        self._conflict_at = time.monotonic()
        return self._conflict_backoff.next_delay()

    def _seconds_since_poll(self) -> float:
        """Seconds since the last good poll; no number where this process does not poll."""
        since = self._last_poll_at or self._started_at
        return math.nan if since is None else time.monotonic() - since
