"""What becomes of an error that is no rule of ours: a database is away, two came at once, …"""

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
    domain_response,
    error_response,
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

from . import audit, body_limit, content_type
from .database import is_passing, sqlstate

_AWAY = "Postgres or Redis is away at the moment; try again."

ERRORS: dict[int | str, dict[str, Any]] = error_responses(
    InvalidRequest, NotAuthenticated, NotPermitted, NotFound, Conflict
) | {
    413: {"model": ErrorRead, "description": body_limit.DETAIL},
    415: {"model": ErrorRead, "description": content_type.DETAIL},
    503: {"model": ErrorRead, "description": _AWAY},
}
"""What any route may answer."""

Handler = Callable[[Request, Exception], Awaitable[Response]]

log = structlog.stdlib.get_logger()


def add_handlers(app: FastAPI) -> None:
    """Answer every error in the one shape."""
    add_error_handlers(app)
    app.add_exception_handler(DomainError, _refuse)
    malformed = app.exception_handlers[RequestValidationError]
    app.add_exception_handler(RequestValidationError, _noting(malformed))
    app.add_exception_handler(DBAPIError, _database)
    for away in (OSError, PoolTimeout, RedisError):
        app.add_exception_handler(away, _away)


def _noting(answer: Callable[[Request, Exception], Any]) -> Handler:
    async def refuse(request: Request, error: Exception) -> Response:
        response: Response = await answer(request, error)
        await audit.record_refusal(request, response.status_code)
        return response

    return refuse


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    await audit.record_refusal(request, error.status_code)
    return domain_response(error)


async def _database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DBAPIError)
    if is_passing(error):
        return await _away(request, error)
    if isinstance(error, IntegrityError):  # two at once, past the checks of both
        return await _refuse(request, Conflict())
    if sqlstate(error).startswith("22"):
        reason = "A value cannot be stored, for its characters or its size."
        return await _refuse(request, InvalidRequest(reason))
    raise error


async def _away(_: Request, error: Exception) -> JSONResponse:
    log.warning("a database is away", reason=f"{type(error).__name__}: {error}")
    return error_response(503, "unavailable", _AWAY, {"Retry-After": "1"})
