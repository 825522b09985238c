"""Shared parts of FastAPI services: one error format, `/health` and `/metrics`.

Services without an API serve `/health` and `/metrics` with `smart_kit.health_app`, or with
`smart_kit.service.build_health_app` if they use aiohttp anyway.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.exceptions import HTTPException

from smart_kit.contracts.base import ErrorRead
from smart_kit.errors import DOMAIN_ERRORS, DomainError, NotAuthenticated
from smart_kit.health import Health

_MAX_ERRORS = 5
_VALIDATION_FAILED = "validation_failed"
_STATUS_MESSAGES = {404: "There is nothing at {path}.", 405: "{method} is not possible at {path}."}
"""Details for errors of the framework, which otherwise only repeat the name of the status."""


def error_responses(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Return these errors and 422 as `responses` of a route, a router or an application."""
    described = {error.status_code: error().message for error in errors}
    described[422] = "The request is malformed."
    return {status: {"model": ErrorRead, "description": described[status]} for status in described}


def build_error_response(
    status: int, error: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Build an ErrorRead. Characters that UTF-8 cannot encode are replaced."""
    readable = detail.encode("utf-8", "replace").decode()
    return JSONResponse(ErrorRead(error=error, detail=readable).model_dump(), status, headers)


def build_domain_error_response(error: DomainError) -> JSONResponse:
    """Convert a DomainError; the `error` of NotFound is `not_found`."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
    name = _error_name(type(error))
    return build_error_response(error.status_code, name, error.message, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error with an ErrorRead."""

    @app.exception_handler(DomainError)
    async def domain(_: Request, error: DomainError) -> JSONResponse:
        return build_domain_error_response(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        detail = error.detail
        if detail == status.phrase and status in _STATUS_MESSAGES:
            detail = _STATUS_MESSAGES[status].format(method=request.method, path=request.url.path)
        name = _ERROR_NAMES.get(status, status.name.lower())
        return build_error_response(status, name, detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI validates a header twice
        messages = list(dict.fromkeys(map(_format_error, error.errors())))
        sentences = messages[:_MAX_ERRORS]
        if len(messages) > _MAX_ERRORS:
            sentences.append(f"and {len(messages) - _MAX_ERRORS} more")
        return build_error_response(422, _VALIDATION_FAILED, "; ".join(sentences))

    @app.exception_handler(Exception)
    async def failure(_: Request, __: Exception) -> JSONResponse:
        """Hide the error, which uvicorn logs with its traceback."""
        return build_error_response(500, "internal_error", "Something went wrong here.")


def add_health(app: FastAPI, health: Health) -> None:
    """Serve `/health` and `/metrics`, and measure every other route."""

    @app.get(
        "/health",
        tags=["operation"],
        summary="Health of the service",
        response_model=None,
        responses={503: {"description": "A check failed"}},
    )
    async def report() -> JSONResponse:
        """200 if every check succeeds, else 503. `checks` has the result of each."""
        body = health.report()
        return JSONResponse(body, 200 if body["status"] == "ok" else 503)

    Instrumentator(excluded_handlers=["/health", "/metrics"]).instrument(app).expose(
        app, tags=["operation"], summary="Metrics for Prometheus", response_model=None
    )


def _error_name(error: type[DomainError]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


_ERROR_NAMES = {error.status_code: _error_name(error) for error in DOMAIN_ERRORS} | {
    413: "content_too_large",
    422: _VALIDATION_FAILED,
}


def _format_error(error: Mapping[str, Any]) -> str:
    """Format as e.g. "body.text: Field required", without the value, which may be secret."""
    if error["type"] == "json_invalid":
        return f"The body is not JSON: {error['ctx']['error']}"
    place = ".".join(str(part) for part in error["loc"])
    return f"{place}: {str(error['msg']).removeprefix('Value error, ')}"
