"""The ASGI middleware, which sees each request before the routes do, and the checks it runs."""

import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import parse_qsl
from uuid import uuid4

import structlog
from fastapi import APIRouter, HTTPException
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import build_domain_error_response, build_error_response
from smart_kit.contracts.audit import Caller
from smart_kit.errors import NotAuthenticated

from .config import Settings

API_PREFIX = "/api"
RENAMED_PREFIXES = {"/api/cronjobs": "/api/cron-jobs"}
MAX_BYTES = 1024 * 1024
MAX_BYTES_BY_PATH: Mapping[str, int] = {f"{API_PREFIX}/models/import": 8 * 1024 * 1024}
"""Paths with a limit of their own: LiteLLM's table of models has 1.7 MB."""
_BODY_LIMIT_TEMPLATE = "The body is larger than {} bytes."
BODY_LIMIT_DETAIL = _BODY_LIMIT_TEMPLATE.format(MAX_BYTES)
CONTENT_TYPE_DETAIL = "The body must be JSON, with the header Content-Type: application/json."
CORRELATION_ID_HEADER = "x-correlation-id"
_PRINTABLE_ASCII = re.compile(r"[!-~]{1,128}")
"""Other characters could forge log lines."""

RequestCheck = Callable[[Scope], Response | None]
"""Returns the response that refuses a request, or None."""


class RequestMiddleware:
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
        refusals: Iterable[Response | None] = ()
        if scope["path"] == API_PREFIX or scope["path"].startswith(f"{API_PREFIX}/"):
            scope = {**scope, "path": _rewrite_path(scope["path"])}
            refusals = (check(scope) for check in self._checks)
        max_bytes = MAX_BYTES_BY_PATH.get(scope["path"], MAX_BYTES)
        refusal = next(filter(None, refusals), None) or _check_content_length(scope, max_bytes)
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


def make_token_check(settings: Settings) -> RequestCheck:
    """Return the check of the bearer token. It puts the caller into `request.state.caller`."""
    tokens: tuple[tuple[Caller, bytes], ...] = (
        ("admin", settings.admin_api_token.get_secret_value().encode()),
        ("service", settings.service_api_token.get_secret_value().encode()),
    )

    def check_token(scope: Scope) -> Response | None:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        token = given.strip().encode("latin-1")  # the bytes that were sent
        # all are compared, so that the time does not depend on the header
        callers = [caller for caller, known in tokens if hmac.compare_digest(known, token)]
        if scheme.lower() != "bearer" or not callers:
            return build_domain_error_response(NotAuthenticated())
        scope.setdefault("state", {})["caller"] = callers[0]
        return None

    return check_token


def make_method_check(routers: Iterable[APIRouter]) -> RequestCheck:
    """Return the check that refuses a path's other methods with 405 and all of its own in `Allow`.

    Starlette names only the methods of one route, and takes `PUT /cron-jobs/claim` for a request to
    the job with the id "claim".
    """
    methods: dict[re.Pattern[str], set[str]] = {}
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            pattern = compile_path(API_PREFIX + route.path)[0]
            methods.setdefault(pattern, set()).update(route.methods or ())

    def check_method(scope: Scope) -> Response | None:
        path, method = scope["path"], scope["method"]
        found = (known for pattern, known in methods.items() if pattern.match(path))
        allowed = next(found, None)  # a literal path is declared before one with parameters
        if allowed is None or method in allowed:
            return None
        detail = f"{method} is not possible at {path}."
        headers = {"Allow": ", ".join(sorted(allowed))}
        return build_error_response(405, "method_not_allowed", detail, headers)

    return check_method


def check_content_type(scope: Scope) -> Response | None:
    """Refuse a body that is not JSON with 415 instead of 422 for each of its fields."""
    headers = Headers(scope=scope)
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not has_body or re.fullmatch(r"application/(json|.*\+json)", kind):
        return None
    return build_error_response(415, "unsupported_media_type", CONTENT_TYPE_DETAIL)


def check_query(scope: Scope) -> Response | None:
    """Refuse a query parameter that is given twice; FastAPI would take the last one."""
    parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    for name, count in Counter(name for name, _ in parameters).items():
        if count > 1:
            detail = f"query.{name}: is given {count} times"
            return build_error_response(422, "validation_failed", detail)
    return None
