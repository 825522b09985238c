"""Error responses: refusals are audited, database errors become a status."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import Response

from smart_kit.api import (
    add_error_handlers,
    build_domain_error_response,
    build_error_response,
    error_responses,
)
from smart_kit.contracts.base import ErrorRead
from smart_kit.errors import (
    Conflict,
    DomainError,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
)

from . import audit
from .database import get_sqlstate, is_transient
from .middleware.checks import CONTENT_TYPE_DETAIL
from .middleware.request_guard import BODY_LIMIT_DETAIL

_UNAVAILABLE_DETAIL = "Postgres or Redis is unavailable at the moment. Try again later."

ERROR_CODES: dict[int | str, str] = {
    400: "invalid_request",
    401: "not_authenticated",
    403: "not_permitted",
    404: "not_found",
    409: "conflict",
    413: "content_too_large",
    415: "unsupported_media_type",
    422: "validation_failed",
    503: "unavailable",
}
"""The value of `error` for each status."""

_REFUSALS = error_responses(InvalidRequest, NotAuthenticated, NotPermitted, NotFound, Conflict) | {
    413: {"model": ErrorRead, "description": BODY_LIMIT_DETAIL},
    415: {"model": ErrorRead, "description": CONTENT_TYPE_DETAIL},
    503: {"model": ErrorRead, "description": _UNAVAILABLE_DETAIL},
}


def _build_example(status: int | str) -> dict[str, Any]:
    body = {"error": ERROR_CODES[status], "detail": _REFUSALS[status]["description"]}
    return {"content": {"application/json": {"example": body}}}


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: response | _build_example(status) for status, response in _REFUSALS.items()
}
"""The refusals that any route may answer with, for the OpenAPI document."""

ExceptionHandler = Callable[[Request, Exception], Awaitable[Response]]

log = structlog.stdlib.get_logger()


def add_handlers(app: FastAPI) -> None:
    """Answer every error as an `ErrorRead`."""
    add_error_handlers(app)
    app.add_exception_handler(DomainError, _handle_domain_error)
    malformed = app.exception_handlers[RequestValidationError]
    app.add_exception_handler(RequestValidationError, _with_audit(malformed))
    app.add_exception_handler(DBAPIError, _handle_database_error)
    for away in (OSError, PoolTimeout, RedisError):
        app.add_exception_handler(away, _handle_unavailable)


def _with_audit(handler: Callable[[Request, Exception], Any]) -> ExceptionHandler:
    async def handle_and_audit(request: Request, error: Exception) -> Response:
        response: Response = await handler(request, error)
        await audit.record_refusal(request, response.status_code)
        return response

    return handle_and_audit


async def _handle_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    await audit.record_refusal(request, error.status_code)
    return build_domain_error_response(error)


async def _handle_database_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DBAPIError)
    if is_transient(error):
        return await _handle_unavailable(request, error)
    if isinstance(error, IntegrityError):  # of two requests at once, both passed the checks
        return await _handle_domain_error(request, Conflict())
    if get_sqlstate(error).startswith("22"):
        reason = "A value cannot be stored because of its characters or its size."
        return await _handle_domain_error(request, InvalidRequest(reason))
    raise error


async def _handle_unavailable(_: Request, error: Exception) -> JSONResponse:
    log.warning("database unavailable", reason=f"{type(error).__name__}: {error}")
    return build_error_response(503, "unavailable", _UNAVAILABLE_DETAIL, {"Retry-After": "1"})
