"""Log lines of a request carry the id of the message that caused it."""

import re

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-correlation-id"
_PLAIN = re.compile(r"[!-~]{1,128}")
"""Anything else could forge log lines."""


class Correlation:
    """Takes the id from the caller."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get(HEADER, "") if scope["type"] == "http" else ""
        bound = {"correlation_id": given} if _PLAIN.fullmatch(given) else {}
        with structlog.contextvars.bound_contextvars(**bound):
            await self.app(scope, receive, send)
