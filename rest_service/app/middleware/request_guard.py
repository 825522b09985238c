"""The middleware: it sees each request before the routes do."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import uuid4

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import build_error_response

from .checks import API_PREFIX, RequestCheck

RENAMED_PREFIXES = {"/api/cronjobs": "/api/cron-jobs"}

MAX_BYTES = 1024 * 1024

MAX_BYTES_BY_PATH: Mapping[str, int] = {f"{API_PREFIX}/models/import": 8 * 1024 * 1024}
"""Paths with a limit of their own: LiteLLM's table of models has 1.7 MB."""

_BODY_LIMIT_TEMPLATE = "The body is larger than {} bytes."

BODY_LIMIT_DETAIL = _BODY_LIMIT_TEMPLATE.format(MAX_BYTES)

CORRELATION_ID_HEADER = "x-correlation-id"

_PRINTABLE_ASCII = re.compile(r"[!-~]{1,128}")
"""Other characters could forge log lines."""


class RequestGuard:
    """Binds a correlation id to each HTTP request, rewrites old paths, checks and limits requests.

    The first check of a request to the API that refuses it makes the response.
    """

    def __init__(self, app: ASGIApp, checks: Sequence[RequestCheck]) -> None:
        self._app = app
        self._checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header_value = Headers(scope=scope).get(CORRELATION_ID_HEADER, "")
        correlation_id = header_value if _PRINTABLE_ASCII.fullmatch(header_value) else uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[CORRELATION_ID_HEADER] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self._handle(scope, receive, send_with_id)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        checks: list[RequestCheck] = []
        if scope["path"] == API_PREFIX or scope["path"].startswith(f"{API_PREFIX}/"):
            scope = {**scope, "path": _rewrite_path(scope["path"])}
            checks += self._checks
        max_bytes = MAX_BYTES_BY_PATH.get(scope["path"], MAX_BYTES)
        checks.append(partial(_check_content_length, max_bytes=max_bytes))
        refusal = next(filter(None, (check(scope) for check in checks)), None)
        await (refusal or self._app)(scope, _limit_receive(receive, max_bytes), send)


def _rewrite_path(path: str) -> str:
    """Return the path without trailing slashes and with the current name of its resource."""
    bare = path.rstrip("/")
    for old, new in RENAMED_PREFIXES.items():
        if bare == old or bare.startswith(f"{old}/"):
            return new + bare.removeprefix(old)
    return bare


def _check_content_length(scope: Scope, max_bytes: int) -> Response | None:
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:
        detail = _BODY_LIMIT_TEMPLATE.format(max_bytes)
        return build_error_response(413, "content_too_large", detail)
    return None


def _limit_receive(receive: Receive, max_bytes: int) -> Receive:
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise HTTPException(413, _BODY_LIMIT_TEMPLATE.format(max_bytes))
        return message

    return receive_limited
