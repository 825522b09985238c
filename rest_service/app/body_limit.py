"""No caller fills our memory, and who tries is refused in the one shape."""

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import error_response

MAX_BYTES = 1024 * 1024
DETAIL = f"A body has at most {MAX_BYTES} bytes."


class BodyLimit:
    """Refuses what says that it is too long, and stops reading what only turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > MAX_BYTES:
            await error_response(413, "content_too_large", DETAIL)(scope, receive, send)
        else:
            await self.app(scope, _counting(receive), send)


def _counting(receive: Receive) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BYTES:
            raise HTTPException(413, DETAIL)
        return message

    return counted
