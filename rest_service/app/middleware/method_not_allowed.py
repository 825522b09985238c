"""What can be done at a path: one answer for its routes, each of which knows only itself."""

import re
from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_kit.api import build_error_response

from .auth import API_PREFIX


class MethodNotAllowedMiddleware:
    """Refuses the others with 405 and the whole list."""

    def __init__(self, app: ASGIApp, routers: Iterable[APIRouter]) -> None:
        self.app = app
        self._literal_paths: dict[str, set[str]] = {}
        self._patterns: dict[re.Pattern[str], set[str]] = {}
        for route in (one for router in routers for one in router.routes):
            if isinstance(route, APIRoute):
                path = API_PREFIX + route.path
                known = self._patterns.setdefault(compile_path(path)[0], set())
                known |= route.methods or set()
                if "{" not in path:
                    self._literal_paths[path] = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        allowed = self._literal_paths.get(path)
        if allowed and method not in allowed:  # else /cron-jobs/claim would be a job called "claim"
            detail = f"{method} is not possible at {path}."
            headers = {"Allow": ", ".join(sorted(allowed))}
            refusal = build_error_response(405, "method_not_allowed", detail, headers)
            await refusal(scope, receive, send)
            return

        async def send_with_allow_header(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                MutableHeaders(scope=message)["allow"] = ", ".join(
                    sorted(self._allowed_methods(path))
                )
            await send(message)

        await self.app(scope, receive, send_with_allow_header)

    def _allowed_methods(self, path: str) -> set[str]:
        found = (known for pattern, known in self._patterns.items() if pattern.match(path))
        return next(found, set())
