"""A parameter is given once: of two, nobody knows which one is meant."""

from collections import Counter
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from smart_kit.api import error_response

from .auth import is_protected


class GivenOnce:
    """Refuses what is given again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["query_string"] and is_protected(scope["path"]):
            given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            name, number = (
                Counter(name for name, _ in given).most_common(1)[0] if given else ("", 1)
            )
            if number > 1:
                detail = f"query.{name}: is given {number} times"
                await error_response(422, "validation_failed", detail)(scope, receive, send)
                return
        await self.app(scope, receive, send)
