"""An OpenAI-compatible server: a function of the test builds the response to each request."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from assistant.src.services.models.transport.endpoint import Endpoint

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class StubResponse:
    """A response."""

    body: str | bytes
    content_type: str = "application/json"
    status: int = 200
    is_left_open: bool = False
    """The connection is not closed after it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeated_chunk: bytes = b""
    """Comes after it again and again, while it stays open."""


Responder = Callable[[JsonObject], StubResponse]


@dataclass
class FakeOpenAIServer:
    """The running server; `requests` are the bodies of its requests."""

    endpoint: Endpoint
    responder: Responder
    requests: list[JsonObject] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    client_addresses: list[Any] = field(default_factory=list)
    """The other ends of their connections."""
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.paths.append(request.path)
        self.headers.append(request.headers)
        self.client_addresses.append(
            request.transport and request.transport.get_extra_info("peername")
        )
        sent = self.responder(body)
        response = web.StreamResponse(
            status=sent.status, headers={"content-type": sent.content_type, **sent.headers}
        )
        await response.prepare(request)
        data = sent.body if isinstance(sent.body, bytes) else sent.body.encode()
        middle = len(data) // 2  # packets know nothing of events
        await response.write(data[:middle])
        await response.write(data[middle:])
        with contextlib.suppress(ConnectionError):
            while sent.repeated_chunk and not self.stopped.is_set():
                await response.write(sent.repeated_chunk)
                await asyncio.sleep(0.01)
            if sent.is_left_open:
                await self.stopped.wait()
            await response.write_eof()
        return response


@asynccontextmanager
async def run_fake_openai_server(
    respond: Responder, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[FakeOpenAIServer]:
    """Run the server on a port of its own; with a context it speaks HTTPS."""
    server = FakeOpenAIServer(Endpoint("", ""), respond)
    app = web.Application()
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    host, port = runner.addresses[0][:2]
    scheme = "http" if ssl_context is None else "https"
    server.endpoint = Endpoint(f"{scheme}://{host}:{port}/v1", "sk-test")
    try:
        yield server
    finally:
        server.stopped.set()
        await server.endpoint.close()
        await runner.cleanup()


def make_completion(message: JsonObject, reason: str | None = "stop", **more: Any) -> StubResponse:
    """Return an answer that is not streamed."""
    choices = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]
    return StubResponse(json.dumps({"choices": choices, **more}))


def make_chunk(reason: str | None = None, usage: Any = None, **grown: Any) -> JsonObject:
    choice = {"index": 0, "delta": grown, "finish_reason": reason}
    return {"choices": [choice], "usage": usage}


def make_stream(events: Iterable[JsonObject | str], *, is_done: bool = True) -> StubResponse:
    """Return a stream of events; a text is sent unchanged."""
    lines = [one if isinstance(one, str) else f"data: {json.dumps(one)}\n\n" for one in events]
    if is_done:
        lines.append("data: [DONE]\n\n")
    return StubResponse("".join(lines), "text/event-stream")


def make_error(status: int, body: Any) -> StubResponse:
    """Return an error; a text is sent unchanged."""
    if isinstance(body, str):
        return StubResponse(body, "text/html", status)
    return StubResponse(json.dumps(body), status=status)


def respond_in_order(*answers: StubResponse | Responder) -> Responder:
    """Return the first response to the first request, and so on."""
    left = list(answers)

    def respond(body: JsonObject) -> StubResponse:
        answer = left.pop(0)
        return answer(body) if callable(answer) else answer

    return respond


def get_tool_messages(body: JsonObject) -> list[JsonObject]:
    """Return the messages with tool results."""
    return [one for one in body["messages"] if one["role"] == "tool"]


def get_calling_messages(body: JsonObject) -> list[JsonObject]:
    """Return the messages with tool calls."""
    return [one for one in body["messages"] if one.get("tool_calls")]
