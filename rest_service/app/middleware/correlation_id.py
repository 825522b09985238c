"""Binds a correlation id to the log lines and the response of each request."""

import re
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from .base import HttpMiddleware

CORRELATION_ID_HEADER = "x-correlation-id"
_PRINTABLE_ASCII = re.compile(r"[!-~]{1,128}")
"""Other characters could forge log lines."""


class CorrelationIdMiddleware(HttpMiddleware):
    """Takes the id from the request header, or makes one, and returns it in the response."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the id bound."""
        header_value = Headers(scope=scope).get(CORRELATION_ID_HEADER, "")
        correlation_id = header_value if _PRINTABLE_ASCII.fullmatch(header_value) else uuid4().hex

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[CORRELATION_ID_HEADER] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self.app(scope, receive, send_with_header)
