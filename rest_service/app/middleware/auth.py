"""Who is calling: decided before anything else is looked at."""

import hmac
from typing import Literal

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_kit.api import build_domain_error_response
from smart_kit.errors import NotAuthenticated

from ..config import Settings

Principal = Literal["admin", "service"]

API_PREFIX = "/api"


class ApiTokens:
    """The two tokens."""

    def __init__(self, settings: Settings) -> None:
        self._tokens: tuple[tuple[Principal, bytes], ...] = (
            ("admin", settings.admin_api_token.get_secret_value().encode()),
            ("service", settings.service_api_token.get_secret_value().encode()),
        )

    def authenticate(self, authorization: str) -> Principal | None:
        """Whose token the header holds; takes the same time whatever it holds."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = given.strip().encode("latin-1")  # as the header's bytes were
        matches = [name for name, one in self._tokens if hmac.compare_digest(one, token)]
        return matches[0] if matches else None


class TokenAuthMiddleware:
    """Lets nobody under /api without a token, whatever they ask for."""

    def __init__(self, app: ASGIApp, tokens: ApiTokens) -> None:
        self.app = app
        self.tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_protected(scope["path"]):
            principal = self.tokens.authenticate(Headers(scope=scope).get("authorization", ""))
            if principal is None:
                await build_domain_error_response(NotAuthenticated())(scope, receive, send)
                return
            scope.setdefault("state", {})["principal"] = principal
        await self.app(scope, receive, send)


def is_protected(path: str) -> bool:
    """Whether a path needs a token."""
    return path == API_PREFIX or path.startswith(f"{API_PREFIX}/")
