"""An ASGI application with `/health`, which imports nothing else until it is asked for more."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from smart_kit.health import Health

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class HealthApp:
    """Answers `/health`. The first request to anything else loads the rest of the service, so that
    a service that nobody uses does not need the memory."""

    def __init__(self, health: Health, load_rest: Callable[[], AsgiApp]) -> None:
        self._health = health
        self._load_rest = load_rest
        self._rest: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # events of the lifespan have no path: none are handled
        if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
            report = self._health.report()
            status = HTTPStatus.OK if report["status"] == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
            await _send_json(send, status, report)
            return
        if self._rest is None:  # all requests wait for it, which takes less than a second, once
            self._rest = self._load_rest()
        await self._rest(scope, receive, send)


def load_metrics_app() -> AsgiApp:
    """Return an application with only `/metrics`, for services without an API."""
    from prometheus_client import make_asgi_app  # not at the top: see the module's docstring

    metrics = make_asgi_app()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics":
            await metrics(scope, receive, send)
        else:
            await _send_json(send, HTTPStatus.NOT_FOUND, {"error": "not_found"})

    return serve


async def _send_json(send: Send, status: HTTPStatus, content: object) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
