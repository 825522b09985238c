"""What the middlewares share: they handle HTTP only and answer refused requests themselves."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

API_PREFIX = "/api"

RequestCheck = Callable[[Scope], Response | None]
"""Returns the response that refuses a request, or None."""


class HttpMiddleware(ABC):
    """Passes everything but HTTP requests on, such as lifespan events."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.handle(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    @abstractmethod
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request."""


class RequestCheckMiddleware(HttpMiddleware):
    """Runs checks on requests to the API, in order; the first refusal is the response."""

    def __init__(self, app: ASGIApp, checks: Sequence[RequestCheck]) -> None:
        super().__init__(app)
        self.checks = checks

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if is_api_path(scope["path"]):
            refusals = (check(scope) for check in self.checks)
            if refusal := next(filter(None, refusals), None):
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def is_api_path(path: str) -> bool:
    """Return whether a path belongs to the API and so needs a token."""
    return path == API_PREFIX or path.startswith(f"{API_PREFIX}/")
