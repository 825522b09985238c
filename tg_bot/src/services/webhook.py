"""Receives updates by webhook instead of polling.

A request is answered with 200 only after its update has been enqueued durably. Until then, and
after a lost response, Telegram delivers the update again, and the queues drop the duplicate.
"""

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from redis.exceptions import RedisError

from smart_kit.aio import sleep_until_stopped

from ..client.telegram import TelegramClient
from ..client.update import WebhookInfo
from ..metrics import WEBHOOK_REQUESTS
from .retry import TelegramRetrier
from .update_processor import UpdateProcessor

WEBHOOK_PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 # a header's name
PROCESS_TIMEOUT_SECONDS = 20.0
"""Limit for reading and enqueuing one update. Telegram waits for about a minute."""

CHECK_INTERVAL_SECONDS = 60.0
RECENT_FAILURE_SECONDS = 300.0
"""A failed delivery makes the service unhealthy for this long, unless an update arrives."""

log = structlog.stdlib.get_logger()


class Webhook:
    """The webhook of one bot. `on_start` is retried until it succeeds, before it is set."""

    def __init__(
        self,
        client: TelegramClient,
        update_processor: UpdateProcessor,
        on_start: Callable[[], Awaitable[None]],
        *,
        url: str,
        secret: str,
    ) -> None:
        self._client = client
        self._update_processor = update_processor
        self._on_start = on_start
        self._url = url
        self._secret = secret
        self._retrier = TelegramRetrier()
        self._info: WebhookInfo | None = None
        self._last_update_at = 0.0
        """Unix time of the last accepted update."""

    def health_error(self) -> str | None:
        """Return why no updates arrive, for `/health`; None if the webhook works."""
        if self._info is None:
            return self._retrier.last_error or "the webhook is not set yet"
        failed_at = self._info.last_error_date or 0
        if failed_at > self._last_update_at and time.time() - failed_at < RECENT_FAILURE_SECONDS:
            return (
                f"Telegram cannot deliver to {self._url}: {self._info.last_error_message} "
                f"({self._info.pending_update_count} updates pending)"
            )
        return self._retrier.last_error

    def health_note(self) -> str:
        """Return when the last update arrived, for `/health`. A long silence is no error."""
        if not self._last_update_at:
            return "no update by webhook yet"
        return f"last update by webhook {time.time() - self._last_update_at:.0f} s ago"

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the webhook set until `stop`, and after it: Telegram stores updates meanwhile."""
        await self._retrier.call_until_success(self._on_start, stop)
        await self._retrier.call_until_success(self._set_webhook, stop)
        while not stop.is_set():
            info = await self._retrier.call_once(self._client.get_webhook_info, stop)
            self._info = info or self._info
            if self._info is not None and self._info.url != self._url:
                log.warning("webhook changed by another program; setting it again")
                await self._retrier.call_until_success(self._set_webhook, stop)
            await sleep_until_stopped(stop, CHECK_INTERVAL_SECONDS)

    async def receive(self, request: web.Request) -> web.Response:
        """Handle a request that delivers one update."""
        outcome, status = await self._process_request(request)
        WEBHOOK_REQUESTS.labels(outcome).inc()
        return web.Response(status=status, headers={"Retry-After": "1"} if status == 503 else None)

    async def _process_request(self, request: web.Request) -> tuple[str, int]:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._secret.encode()):
            return "refused", 403
        try:
            async with asyncio.timeout(PROCESS_TIMEOUT_SECONDS):
                update = _parse_update(await request.read())
                if update is None:
                    return "malformed", 400
                await self._update_processor.process_batch([update])
        except web.HTTPRequestEntityTooLarge:  # more than aiohttp's 1 MiB; an update is far smaller
            return "malformed", 413
        except (RedisError, TimeoutError) as error:
            log.warning("update not queued", reason=str(error) or type(error).__name__)
            return "unavailable", 503
        self._last_update_at = time.time()
        return "accepted", 200

    async def _set_webhook(self) -> None:
        await self._client.set_webhook(self._url, self._secret)
        log.info("webhook set", url=self._url)


def _parse_update(body: bytes) -> dict[str, Any] | None:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return update if isinstance(update, dict) else None
