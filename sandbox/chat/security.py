"""Access to the chat page: by the link's token, from this machine, from no other web site."""

import hashlib
import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

COOKIE_MAX_AGE_SECONDS = 365 * 24 * 3600
ALLOWED_HOSTS = ("127.0.0.1", "localhost")
FORBIDDEN_TEXT = (
    "This is the Smart Assistant sandbox. Please open it with the link "
    "that ./manage.py start printed.\n"
    "Это песочница Smart Assistant. Откройте её по ссылке, которую вывела команда "
    "./manage.py start.\n"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ChatAccessGuard:
    """Checks Host, Origin and the token (header or cookie) of every request."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token
        self._hosts = {f"{host}:{port}" for host in ALLOWED_HOSTS}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie_name = f"sandbox_chat_{port}"
        # Browsers send a cookie to every port of this machine, so it must not hold the token.
        self._cookie = hmac.new(token.encode(), b"sandbox chat cookie", hashlib.sha256).hexdigest()

    def protect(self, handler: Handler) -> Handler:
        """Return a handler that answers 403 to requests without a valid token, host or origin."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._is_allowed_origin(request) or not self._is_authenticated(request):
                return web.Response(status=403, text=FORBIDDEN_TEXT, headers=SECURITY_HEADERS)
            return await handler(request)

        return guarded

    def exchange_token(self, request: web.Request) -> web.Response:
        """Set the cookie for a valid token and redirect to the address without the token."""
        is_valid = _is_equal_secret(request.query["token"], self._token)
        if not is_valid or not self._is_allowed_origin(request):
            return web.Response(status=403, text=FORBIDDEN_TEXT, headers=SECURITY_HEADERS)
        response = web.Response(status=303, headers={"Location": "/", **SECURITY_HEADERS})
        response.set_cookie(
            self._cookie_name,
            self._cookie,
            httponly=True,
            samesite="Strict",
            max_age=COOKIE_MAX_AGE_SECONDS,
            path="/",
        )
        return response

    def _is_allowed_origin(self, request: web.Request) -> bool:
        """Refuse foreign Host headers (DNS rebinding) and requests from pages of other sites."""
        origin = request.headers.get("Origin")
        return request.host in self._hosts and (origin is None or origin in self._origins)

    def _is_authenticated(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _is_equal_secret(bearer.strip(), self._token)
        return _is_equal_secret(request.cookies.get(self._cookie_name, ""), self._cookie)


def _is_equal_secret(given: str, secret: str) -> bool:
    # aiohttp decodes header bytes that are not UTF-8 to surrogates.
    return hmac.compare_digest(given.encode(errors="surrogateescape"), secret.encode())
