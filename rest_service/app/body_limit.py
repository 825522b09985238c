"""No caller fills our memory, and who tries is refused in the one shape."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import error_response

from .auth import PROTECTED

MAX_BYTES = 1024 * 1024
MAX_BYTES_AT: Mapping[str, int] = {f"{PROTECTED}/models/import": 8 * 1024 * 1024}
"""Where files come in: LiteLLM's table alone has 1.7 MB."""
_TOO_LONG = "A body has at most {} bytes."
DETAIL = _TOO_LONG.format(MAX_BYTES)


class BodyLimit:
    """Refuses what says that it is too long, and stops reading what only turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = MAX_BYTES_AT.get(scope["path"], MAX_BYTES)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > most:
            detail = _TOO_LONG.format(most)
            await error_response(413, "content_too_large", detail)(scope, receive, send)
        else:
            await self.app(scope, _counting(receive, most), send)


def _counting(receive: Receive, most: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, _TOO_LONG.format(most))
        return message

    return counted
