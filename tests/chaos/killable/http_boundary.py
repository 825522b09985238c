"""What goes out by HTTP: to rest_service, models and the weather by httpx2, else by aiohttp."""

from typing import Any

import aiohttp
import httpx2
from yarl import URL

from tests.chaos.killable.crash_points import CrashPoints, mask_ids

READ_METHODS = frozenset({"getMe", "getWebhookInfo"})
"""Telegram's methods are all called by POST; getUpdates confirms what came before."""


def instrument(crash_points: CrashPoints) -> None:
    """From now on, in this process."""
    client: Any = httpx2.AsyncClient
    session: Any = aiohttp.ClientSession
    send, ask = client.send, session._request

    async def send_with_crash_points(
        self: httpx2.AsyncClient, request: httpx2.Request, **rest: Any
    ) -> Any:
        effect = _get_effect_name(request.method, request.url.path)
        return await crash_points.run_effect(effect, lambda: send(self, request, **rest))

    async def request_with_crash_points(
        self: aiohttp.ClientSession, method: str, url: str | URL, **rest: Any
    ) -> Any:
        effect = _get_effect_name(method, URL(url).path)
        return await crash_points.run_effect(effect, lambda: ask(self, method, url, **rest))

    client.send, session._request = send_with_crash_points, request_with_crash_points


def _get_effect_name(method: str, path: str) -> str | None:
    if path.startswith("/bot"):
        called = path.rpartition("/")[2]
        return None if called in READ_METHODS else called
    return None if method == "GET" else f"{method} {mask_ids(path)}"
