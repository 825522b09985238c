"""Checks of a request's form that FastAPI does not make, or answers less precisely."""

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import parse_qsl

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Scope

from smart_kit.api import build_error_response

from .base import API_PREFIX

CONTENT_TYPE_DETAIL = "The body must be JSON, with the header Content-Type: application/json."


class MethodCheck:
    """Refuses other methods than those of a path with 405 and all of them in `Allow`.

    Starlette names only the methods of one route, and takes `PUT /cron-jobs/claim` for a request to
    the job with the id "claim".
    """

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        self._methods: dict[re.Pattern[str], set[str]] = {}
        for route in (one for router in routers for one in router.routes):
            if isinstance(route, APIRoute):
                pattern = compile_path(API_PREFIX + route.path)[0]
                self._methods.setdefault(pattern, set()).update(route.methods or ())

    def __call__(self, scope: Scope) -> Response | None:
        path, method = scope["path"], scope["method"]
        found = (known for pattern, known in self._methods.items() if pattern.match(path))
        allowed = next(found, None)  # a literal path is declared before one with parameters
        if allowed is None or method in allowed:
            return None
        detail = f"{method} is not possible at {path}."
        headers = {"Allow": ", ".join(sorted(allowed))}
        return build_error_response(405, "method_not_allowed", detail, headers)


def check_content_type(scope: Scope) -> Response | None:
    """Refuse a body that is not JSON with 415 instead of 422 for each of its fields."""
    headers = Headers(scope=scope)
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    if not has_body or _is_json(headers.get("content-type", "")):
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


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind[-5:] == "+json")
