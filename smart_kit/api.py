"""What every service on FastAPI has: one error shape, `/health`, `/metrics`, and its loop.

Services without an API of their own serve the last two with `smart_kit.service.health_routes`.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.exceptions import HTTPException

from smart_kit.contracts.base import ErrorRead
from smart_kit.errors import DOMAIN_ERRORS, ConfigurationError, DomainError, NotAuthenticated
from smart_kit.health import Health
from smart_kit.service import Loop

GRACE_SECONDS = 10
"""How long requests may go on after a stop."""

_MOST_PROBLEMS = 5
_MALFORMED = "validation_failed"
_SENTENCES = {404: "There is nothing at {path}.", 405: "{method} is not possible at {path}."}
"""For the framework's own refusals, which only repeat the status's name."""


def error_responses(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """These errors and malformed input, as `responses` of a route, a router or an application."""
    described = {error.status_code: error().message for error in errors}
    described[422] = "The request does not have the right form."
    return {
        status: {"model": ErrorRead, "description": sentence}
        for status, sentence in described.items()
    }


def error_response(
    status: int, error: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The one shape. What cannot be written as UTF-8 is replaced."""
    readable = detail.encode("utf-8", "replace").decode()
    return JSONResponse(ErrorRead(error=error, detail=readable).model_dump(), status, headers)


def domain_response(error: DomainError) -> JSONResponse:
    """An error of ours: NotFound says not_found."""
    challenge = {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else None
    return error_response(error.status_code, _name(type(error)), error.message, challenge)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every refusal and failure in the one shape."""

    @app.exception_handler(DomainError)
    async def domain(_: Request, error: DomainError) -> JSONResponse:
        return domain_response(error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        detail = error.detail
        if detail == status.phrase and status in _SENTENCES:
            detail = _SENTENCES[status].format(method=request.method, path=request.url.path)
        return error_response(status, _name_of_status(status), detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = list(
            dict.fromkeys(map(_sentence, error.errors()))
        )  # a header is asked for twice
        sentences = problems[:_MOST_PROBLEMS]
        if len(problems) > _MOST_PROBLEMS:
            sentences.append(f"and {len(problems) - _MOST_PROBLEMS} more")
        return error_response(422, _MALFORMED, "; ".join(sentences))

    @app.exception_handler(Exception)
    async def failure(_: Request, __: Exception) -> JSONResponse:
        """The server logs it with its traceback."""
        return error_response(500, "internal_error", "Something went wrong here.")


def add_health(app: FastAPI, health: Health) -> None:
    """Serve `/health` and `/metrics`, and measure every other route."""

    @app.get(
        "/health",
        tags=["operation"],
        summary="Is it well",
        response_model=None,
        responses={503: {"description": "It is not"}},
    )
    async def report() -> JSONResponse:
        """200 where all is well, else 503; `checks` says what is not."""
        body = health.report()
        return JSONResponse(body, 200 if body["status"] == "ok" else 503)

    Instrumentator(excluded_handlers=["/health", "/metrics"]).instrument(app).expose(
        app, tags=["operation"], summary="Figures for Prometheus", response_model=None
    )


def app_loop(app: FastAPI, host: str, port: int, own_port: int | None = None) -> Loop:
    """A loop that serves an application. Raises ConfigurationError where the port is taken.

    With an own port it answers there too, and shares the other one with processes that do the same.
    """

    async def serve(stop: asyncio.Event) -> None:
        listeners = _listen(host, port, own_port)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,  # its records go where ours go
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve(listeners))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving

    return serve


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: `run_loops` has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, own_port: int | None) -> list[socket.socket]:
    """The own port first: it is nobody else's, so a second suite is noticed before it joins in."""
    if own_port is None:
        return [_bound(host, port)]
    own = _bound(host, own_port)
    try:
        return [own, _bound(host, port, shared=True)]
    except ConfigurationError:
        own.close()
        raise


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """uvicorn's own way ends the process where the port is taken, without our one line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}") from error


def _name(error: type[DomainError]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


_NAMES = {error.status_code: _name(error) for error in DOMAIN_ERRORS} | {
    413: "content_too_large",
    422: _MALFORMED,
}


def _name_of_status(status: HTTPStatus) -> str:
    return _NAMES.get(status, status.name.lower())


def _sentence(problem: Mapping[str, Any]) -> str:
    """E.g. "body.text: Field required"; never the value, which may be a secret."""
    if problem["type"] == "json_invalid":
        return f"The body is not JSON: {problem['ctx']['error']}"
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {str(problem['msg']).removeprefix('Value error, ')}"
