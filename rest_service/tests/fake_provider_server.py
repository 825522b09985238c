"""A fake model server on aiohttp, with configurable responses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from smart_kit.contracts.base import JsonObject

MODEL_NAMES = ("llama-small", "llama-large")
Responder = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FakeProviderServer:
    """`answers` replaces responses by path; `asked` holds the received requests."""

    url: str = ""
    responders: dict[str, Responder] = field(default_factory=dict)
    requests: list[tuple[str, str, JsonObject | None]] = field(default_factory=list)
    authorization_headers: list[str] = field(default_factory=list)
    """The Authorization headers of the received requests."""
    queries: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, body))
        self.queries.append(request.query_string)
        self.authorization_headers.append(request.headers.get("Authorization", ""))
        if answer := self.responders.get(request.path) or self.responders.get("*"):
            return await answer(request)
        return self.serve(request.path, body)

    def serve(self, path: str, body: JsonObject | None) -> web.Response:
        if path == "/v1/models":
            return web.json_response({"object": "list", "data": [{"id": it} for it in MODEL_NAMES]})
        if body is not None and body.get("model") not in MODEL_NAMES:
            return make_error(
                404, "model_not_found", f"The model `{body.get('model')}` does not exist"
            )
        if path == "/v1/chat/completions":
            message = {"role": "assistant", "content": "well"}
            return web.json_response({"choices": [{"index": 0, "message": message}]})
        if path == "/v1/responses":
            return web.json_response({"object": "response", "output": []})
        return web.Response(status=404, text="404 page not found")


def make_error(status: int, code: Any, message: Any) -> web.Response:
    """Return the list of models in OpenAI's form."""
    return web.json_response({"error": {"message": message, "code": code}}, status=status)


def respond_with(status: int, content: Any) -> Responder:
    """Return a handler with a fixed response; a string is sent as a web page."""

    async def respond(_: web.Request) -> web.Response:
        if isinstance(content, str):
            return web.Response(status=status, text=content, content_type="text/html")
        return web.json_response(content, status=status)

    return respond


@asynccontextmanager
async def run_fake_provider_server() -> AsyncIterator[FakeProviderServer]:
    """Run the server on this machine."""
    server = FakeProviderServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
