"""An OpenAI-compatible server: a function of the test makes its answer to each request."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from assistant.src.services.models.endpoint import Endpoint

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class HttpAnswer:
    """An answer as it goes out."""

    body: str | bytes
    content_type: str = "application/json"
    status: int = 200
    stays_open: bool = False
    """The connection is not closed after it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    goes_on: bytes = b""
    """Comes after it again and again, while it stays open."""


Respond = Callable[[JsonObject], HttpAnswer]


@dataclass
class CompatibleServer:
    """Running; `asked` are the bodies of requests."""

    endpoint: Endpoint
    respond: Respond
    asked: list[JsonObject] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)
    """The other ends of their connections."""
    ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.paths.append(request.path)
        self.headers.append(request.headers)
        self.clients.append(request.transport and request.transport.get_extra_info("peername"))
        sent = self.respond(body)
        response = web.StreamResponse(
            status=sent.status, headers={"content-type": sent.content_type, **sent.headers}
        )
        await response.prepare(request)
        data = sent.body if isinstance(sent.body, bytes) else sent.body.encode()
        middle = len(data) // 2  # packets know nothing of events
        await response.write(data[:middle])
        await response.write(data[middle:])
        with contextlib.suppress(ConnectionError):
            while sent.goes_on and not self.ends.is_set():
                await response.write(sent.goes_on)
                await asyncio.sleep(0.01)
            if sent.stays_open:
                await self.ends.wait()
            await response.write_eof()
        return response


@asynccontextmanager
async def running_server(respond: Respond) -> AsyncIterator[CompatibleServer]:
    """Listens on a port of its own."""
    server = CompatibleServer(Endpoint("", ""), respond)
    app = web.Application()
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.endpoint = Endpoint(f"http://{host}:{port}/v1", "sk-test")
    try:
        yield server
    finally:
        server.ends.set()
        await server.endpoint.close()
        await runner.cleanup()


def whole(message: JsonObject, reason: str | None = "stop", **more: Any) -> HttpAnswer:
    """An answer in one piece."""
    choices = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]
    return HttpAnswer(json.dumps({"choices": choices, **more}))


def delta(reason: str | None = None, usage: Any = None, **grown: Any) -> JsonObject:
    """A chunk."""
    choice = {"index": 0, "delta": grown, "finish_reason": reason}
    return {"choices": [choice], "usage": usage}


def stream(events: Iterable[JsonObject | str], *, is_done: bool = True) -> HttpAnswer:
    """Events one after the other; a text goes out as it is."""
    lines = [one if isinstance(one, str) else f"data: {json.dumps(one)}\n\n" for one in events]
    if is_done:
        lines.append("data: [DONE]\n\n")
    return HttpAnswer("".join(lines), "text/event-stream")


def refuses(status: int, body: Any) -> HttpAnswer:
    """An error; a text is sent as it is."""
    if isinstance(body, str):
        return HttpAnswer(body, "text/html", status)
    return HttpAnswer(json.dumps(body), status=status)


def in_turn(*answers: HttpAnswer | Respond) -> Respond:
    """The first answer to the first request, and so on."""
    left = list(answers)

    def respond(body: JsonObject) -> HttpAnswer:
        answer = left.pop(0)
        return answer(body) if callable(answer) else answer

    return respond


def results_in(body: JsonObject) -> list[JsonObject]:
    """What the tools answered."""
    return [one for one in body["messages"] if one["role"] == "tool"]


def calling_in(body: JsonObject) -> list[JsonObject]:
    """The messages that called tools."""
    return [one for one in body["messages"] if one.get("tool_calls")]
