"""A body in another form than JSON is refused as such, not as JSON that lacks its fields."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_kit.api import build_error_response

from .auth import is_protected

DETAIL = "A body is JSON, and the header says so: Content-Type: application/json."


class JsonContentTypeMiddleware:
    """Refuses whatever else is sent to the API."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_protected(scope["path"]):
            headers = Headers(scope=scope)
            if _has_body(headers) and not _is_json(headers.get("content-type", "")):
                refusal = build_error_response(415, "unsupported_media_type", DETAIL)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind[-5:] == "+json")
