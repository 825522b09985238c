"""A parameter is given once: of two, nobody knows which one is meant."""

from collections import Counter
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from smart_kit.api import build_error_response

from .auth import is_protected


class UniqueQueryParamsMiddleware:
    """Refuses what is given again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["query_string"] and is_protected(scope["path"]):
            parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            name, count = (
                Counter(name for name, _ in parameters).most_common(1)[0] if parameters else ("", 1)
            )
            if count > 1:
                detail = f"query.{name}: is given {count} times"
                await build_error_response(422, "validation_failed", detail)(scope, receive, send)
                return
        await self.app(scope, receive, send)
