"""Polls Telegram for updates. A batch is confirmed only after it has been enqueued durably."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
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
"""Seconds without a successful poll after which the service is unhealthy."""

MAX_CONSECUTIVE_FAILURES = 3
"""Failed polls in a row after which the service is unhealthy."""

MAX_CONFLICT_DELAY_SECONDS = 10.0
"""Longest pause while another program polls with the same token."""

log = structlog.stdlib.get_logger()


class Poller:
    """Polls for one bot. `on_start` is retried until it succeeds, before the first poll."""

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
        """0 at first and after an error, to learn at once whether Telegram is available."""
        self._processing_backoff = Backoff()
        self._conflict_backoff = Backoff(max_seconds=MAX_CONFLICT_DELAY_SECONDS)
        self._conflict_at = -math.inf
        POLL_AGE_SECONDS.set_function(self._seconds_since_poll)

    def health_error(self) -> str | None:
        """Return why no updates arrive, for `/health`; None if polling works."""
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
        """Return a note for `/health` if another program takes some of the updates."""
        ago = time.monotonic() - self._conflict_at
        if ago > MAX_SILENCE_SECONDS:
            return ""
        return (
            f"another program reads this bot's updates, with the same token (409 {ago:.0f} s ago)"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop`. May be run again after that."""
        self._offset, self._last_poll_at, self._poll_timeout_seconds = None, None, 0
        self._started_at = time.monotonic()
        try:
            await self._poll_until_stopped(stop)
        finally:
            self._started_at = self._last_poll_at = None

    async def _poll_until_stopped(self, stop: asyncio.Event) -> None:
        await self._retrier.call_until_success(self._on_start, stop)
        while not stop.is_set():
            poll = partial(self._client.get_updates, self._offset, self._poll_timeout_seconds)
            batch = await self._retrier.call_once(poll, stop)
            if batch is None:
                continue
            self._last_poll_at = time.monotonic()
            if self._poll_timeout_seconds:  # no other poll has ended it
                self._conflict_backoff.reset()
            self._poll_timeout_seconds = POLL_TIMEOUT_SECONDS
            await self._process(batch, stop)

    async def _process(self, batch: list[Any], stop: asyncio.Event) -> None:
        try:
            await self._update_processor.process_batch(batch)
        except RedisError as error:  # the batch stays unconfirmed, so Telegram sends it again
            log.warning("redis unavailable", reason=str(error), updates=len(batch))
            await self._sleep(stop, self._processing_backoff.next_delay())
            return
        max_update_id = find_max_update_id(batch)
        if batch and max_update_id is None:  # no update id to confirm: the same batch comes again
            await self._sleep(stop, self._processing_backoff.next_delay())
            return
        self._processing_backoff.reset()
        self._offset = self._offset if max_update_id is None else max_update_id + 1

    async def _on_error(self, error: TelegramError) -> float:
        """Handle a failed poll and return the minimum pause in seconds.

        A webhook from an earlier configuration is removed; its pending updates are kept. Another
        program's polls and ours end each other, while short polls of ours succeed in between.
        Therefore the pause grows until a long poll succeeds.
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
        """Return the seconds since the last successful poll; NaN if this process does not poll."""
        since = self._last_poll_at or self._started_at
        return math.nan if since is None else time.monotonic() - since
