"""Log lines of a request carry the id of the message that caused it, or else one of their own."""

import re
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-correlation-id"
_PLAIN = re.compile(r"[!-~]{1,128}")
"""Anything else could forge log lines."""


class Correlation:
    """Takes the id from the caller, and tells it with the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        known = given if _PLAIN.fullmatch(given) else uuid4().hex

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = known
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=known):
            await self.app(scope, receive, tell)
