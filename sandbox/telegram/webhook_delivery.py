"""Delivery of updates to the webhook: in order, with back-off until each is accepted."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sandbox.telegram.state.webhook import WebhookTarget
from sandbox.telegram.telegram_state import TelegramState

INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
RESPONSE_TIMEOUT_SECONDS = 30.0
IDLE_TIMEOUT_SECONDS = 5.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 # a header's name


class WebhookDelivery:
    """Posts pending updates one at a time; the response may contain a method call."""

    def __init__(
        self, state: TelegramState, execute: Callable[[str, dict[str, Any]], Awaitable[None]]
    ) -> None:
        self._state = state
        self._execute = execute

    async def run(self) -> None:
        """Deliver updates until cancelled."""
        backoff = INITIAL_BACKOFF_SECONDS
        timeout = aiohttp.ClientTimeout(total=RESPONSE_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._state.webhook.changed.clear()
                target = self._state.webhook.target
                pending = self._state.updates.list_pending(1)
                if target is None:
                    await self._wait_until_webhook_changed(IDLE_TIMEOUT_SECONDS)
                elif not pending:
                    await self._state.updates.wait_for_update(IDLE_TIMEOUT_SECONDS)
                elif (retry_after := await self._post_update(session, target, *pending[0])) is None:
                    backoff = INITIAL_BACKOFF_SECONDS
                else:
                    await self._wait_until_webhook_changed(max(backoff, retry_after))
                    backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)

    async def _wait_until_webhook_changed(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._state.webhook.changed.wait(), seconds)

    async def _post_update(
        self, session: aiohttp.ClientSession, target: WebhookTarget, update_id: int, update: Any
    ) -> float | None:
        """Return None when accepted, else the seconds of the Retry-After header."""
        headers = {SECRET_HEADER: target.secret_token} if target.secret_token else {}
        try:
            async with session.post(target.url, json=update, headers=headers) as response:
                status, reason, body = response.status, response.reason, await response.read()
                retry_after = response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._state.webhook.record_failure(_describe_error(error))
            return 0.0
        if 200 <= status < 300:
            await self._on_delivered(update_id, body)
            return None
        self._state.webhook.record_failure(f"Wrong response from the webhook: {status} {reason}")
        if status == 410:
            self._state.webhook.record_gone()
            self._state.commit()
        return float(retry_after) if retry_after.isdecimal() else 0.0

    async def _on_delivered(self, update_id: int, body: bytes) -> None:
        self._state.webhook.record_success()
        self._state.confirm_updates(update_id + 1)
        self._state.commit()
        try:
            call = json.loads(body)
        except ValueError:
            return
        if isinstance(call, dict) and isinstance(method := call.pop("method", None), str):
            await self._execute(method, call)


def _describe_error(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return "Connection refused"
    return "Read timeout expired" if isinstance(error, TimeoutError) else "Connection closed"
