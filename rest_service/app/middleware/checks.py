"""Checks of requests to the API; each returns the response that refuses a request, or None."""

import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from smart_kit.api import build_domain_error_response, build_error_response
from smart_kit.contracts.audit import Caller
from smart_kit.errors import NotAuthenticated

from ..config import Settings

API_PREFIX = "/api"

CONTENT_TYPE_DETAIL = "The body must be JSON, with the header Content-Type: application/json."

RequestCheck = Callable[[Scope], Response | None]
"""Returns the response that refuses a request, or None."""


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


def check_repeated_parameters(scope: Scope) -> Response | None:
    """Refuse a query parameter that is given twice; FastAPI would take the last one."""
    parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    for name, count in Counter(name for name, _ in parameters).items():
        if count > 1:
            detail = f"query.{name}: is given {count} times"
            return build_error_response(422, "validation_failed", detail)
    return None
