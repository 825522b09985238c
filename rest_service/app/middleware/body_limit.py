"""No caller fills our memory, and who tries is refused in the one shape."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import build_error_response

from .auth import API_PREFIX

MAX_BYTES = 1024 * 1024
MAX_BYTES_BY_PATH: Mapping[str, int] = {f"{API_PREFIX}/models/import": 8 * 1024 * 1024}
"""Where files come in: LiteLLM's table alone has 1.7 MB."""
_DETAIL_TEMPLATE = "A body has at most {} bytes."
DETAIL = _DETAIL_TEMPLATE.format(MAX_BYTES)


class BodyLimitMiddleware:
    """Refuses what says that it is too long, and stops reading what only turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        max_bytes = MAX_BYTES_BY_PATH.get(scope["path"], MAX_BYTES)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > max_bytes:
            detail = _DETAIL_TEMPLATE.format(max_bytes)
            await build_error_response(413, "content_too_large", detail)(scope, receive, send)
        else:
            await self.app(scope, _limit_receive(receive, max_bytes), send)


def _limit_receive(receive: Receive, max_bytes: int) -> Receive:
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise HTTPException(413, _DETAIL_TEMPLATE.format(max_bytes))
        return message

    return receive_limited
