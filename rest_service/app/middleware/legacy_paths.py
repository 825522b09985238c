"""Rewrites the paths of older clients: trailing slashes and renamed resources."""

from starlette.types import Receive, Scope, Send

from .base import HttpMiddleware, is_api_path

RENAMED_PREFIXES = {"/api/cronjobs": "/api/cron-jobs"}


class LegacyPathMiddleware(HttpMiddleware):
    """Routes `/api/tools/` as `/api/tools` and `/api/cronjobs` as `/api/cron-jobs`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its current path."""
        if is_api_path(scope["path"]):
            scope = dict(scope) | {"path": _rewrite_path(scope["path"])}
        await self.app(scope, receive, send)


def _rewrite_path(path: str) -> str:
    bare = path.rstrip("/")
    for old, new in RENAMED_PREFIXES.items():
        if bare == old or bare.startswith(f"{old}/"):
            return new + bare.removeprefix(old)
    return bare
