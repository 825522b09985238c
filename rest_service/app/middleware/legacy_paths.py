"""Paths as older clients write them."""

from starlette.types import ASGIApp, Receive, Scope, Send

from .auth import is_protected

RENAMED_PREFIXES = {"/api/cronjobs": "/api/cron-jobs"}


class LegacyPathMiddleware:
    """Takes `/api/tools/` for `/api/tools`, and what has another name by now for the new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_protected(scope["path"]):
            scope = dict(scope) | {"path": rewrite_path(scope["path"])}
        await self.app(scope, receive, send)


def rewrite_path(path: str) -> str:
    """The path as it is now."""
    bare = path.rstrip("/")
    for old, new in RENAMED_PREFIXES.items():
        if bare == old or bare.startswith(f"{old}/"):
            return new + bare.removeprefix(old)
    return bare
