"""Records outgoing HTTP requests as side effects.

httpx2 calls the weather service, and rest_service from cron_service; aiohttp calls rest_service,
models, Telegram and REST tools.
"""

from typing import Any

import aiohttp
import httpx2
from yarl import URL

from tests.chaos.killable.crash_points import CrashPoints, mask_ids

READ_METHODS = frozenset({"getMe", "getWebhookInfo"})
"""Telegram methods without a side effect. getUpdates has one: it confirms earlier updates."""


def instrument(crash_points: CrashPoints) -> None:
    """Patch both HTTP clients in this process."""
    client: Any = httpx2.AsyncClient
    session: Any = aiohttp.ClientSession
    send, send_request = client.send, session._request

    async def send_with_crash_points(
        self: httpx2.AsyncClient, request: httpx2.Request, **options: Any
    ) -> Any:
        effect = _get_effect_name(request.method, request.url.path)
        return await crash_points.run_effect(effect, lambda: send(self, request, **options))

    async def request_with_crash_points(
        self: aiohttp.ClientSession, method: str, url: str | URL, **options: Any
    ) -> Any:
        effect = _get_effect_name(method, URL(url).path)
        return await crash_points.run_effect(
            effect, lambda: send_request(self, method, url, **options)
        )

    client.send, session._request = send_with_crash_points, request_with_crash_points


def _get_effect_name(method: str, path: str) -> str | None:
    if path.startswith("/bot"):
        telegram_method = path.rpartition("/")[2]
        return None if telegram_method in READ_METHODS else telegram_method
    return None if method == "GET" else f"{method} {mask_ids(path)}"
