"""Limits the size of request bodies."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from smart_kit.api import build_error_response

from .base import API_PREFIX, HttpMiddleware

MAX_BYTES = 1024 * 1024
MAX_BYTES_BY_PATH: Mapping[str, int] = {f"{API_PREFIX}/models/import": 8 * 1024 * 1024}
"""Paths with a limit of their own: LiteLLM's table of models has 1.7 MB."""
_DETAIL_TEMPLATE = "The body is larger than {} bytes."
DETAIL = _DETAIL_TEMPLATE.format(MAX_BYTES)


class BodyLimitMiddleware(HttpMiddleware):
    """Refuses a body by its Content-Length, or once more bytes than allowed have arrived."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on with a limit."""
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
