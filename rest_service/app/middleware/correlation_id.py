"""Log lines of a request carry the id of the message that caused it, or else one of their own."""

import re
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CORRELATION_ID_HEADER = "x-correlation-id"
_PRINTABLE_ASCII = re.compile(r"[!-~]{1,128}")
"""Anything else could forge log lines."""


class CorrelationIdMiddleware:
    """Takes the id from the caller, and tells it with the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        header_value = Headers(scope=scope).get(CORRELATION_ID_HEADER, "")
        correlation_id = header_value if _PRINTABLE_ASCII.fullmatch(header_value) else uuid4().hex

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[CORRELATION_ID_HEADER] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self.app(scope, receive, send_with_header)
