"""An OpenAI-compatible model server that answers by a script and records its requests."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from smart_kit.testing.ports import LOCALHOST

JsonObject = dict[str, Any]

MAX_HOLD_SECONDS = 600.0
"""Time limit for `until`, so that an event that is never set fails only its test."""


@dataclass(frozen=True)
class ScriptedResponse:
    """A scripted HTTP response."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    release_event: threading.Event | None = None
    """The event that the response waits for."""
    is_truncated: bool = False
    """Whether the connection is closed before the end."""
    is_hanging: bool = False
    """Whether the server never answers."""


@dataclass(frozen=True)
class RecordedRequest:
    """A recorded request."""

    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> JsonObject:
        body: JsonObject = json.loads(self.raw)
        return body

    @property
    def messages(self) -> list[JsonObject]:
        messages: list[JsonObject] = self.body["messages"]
        return messages


ScriptStep = str | ScriptedResponse | Callable[[RecordedRequest], "str | ScriptedResponse"]
"""A scripted step: a text, a response, or a function of the request."""


def make_text_response(text: str | None, **message: Any) -> ScriptedResponse:
    """Build a response with a text; `message` adds or replaces keys."""
    return _make_completion({"role": "assistant", "content": text, **message}, "stop")


def make_tool_call_response(
    *functions: tuple[str, JsonObject | str], text: str | None = None
) -> ScriptedResponse:
    """Build a response with tool calls: names and arguments; a string is sent unchanged."""
    tool_calls = []
    for position, (name, given) in enumerate(functions):
        arguments = given if isinstance(given, str) else json.dumps(given)
        function = {"name": name, "arguments": arguments}
        tool_calls.append({"id": f"call_{position}", "type": "function", "function": function})
    message = {"role": "assistant", "content": text, "tool_calls": tool_calls}
    return _make_completion(message, "tool_calls")


def make_error_response(status: int, body: Any = None, **headers: str) -> ScriptedResponse:
    """Build an error; `retry_after="1"` becomes the header retry-after."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = make_response(body)
    return replace(response, status=status, headers={**response.headers, **named})


def make_response(body: Any, content_type: str = "application/json") -> ScriptedResponse:
    """Build a response with status 200: bytes are sent unchanged, other values as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ScriptedResponse(content, headers={"content-type": content_type})


def make_truncated_response(after: bytes = b"") -> ScriptedResponse:
    """Build a broken connection: before the response, or after these bytes of its body."""
    return replace(make_response(after), is_truncated=True)


def make_hanging_response() -> ScriptedResponse:
    """Build a response that never comes."""
    return ScriptedResponse(b"", is_hanging=True)


def make_gated_response(
    release_event: threading.Event, response: ScriptedResponse
) -> ScriptedResponse:
    """Delay a response until the event is set."""
    return replace(response, release_event=release_event)


def _make_completion(message: JsonObject, finish_reason: str) -> ScriptedResponse:
    completion = {"id": "chatcmpl-scripted", "object": "chat.completion", "created": 0}
    choices = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return make_response(completion | {"model": "scripted", "choices": choices, "usage": usage})


class ScriptedModel:
    """Answers POST /v1/chat/completions step by step, in its own threads.

    It works for tests with and without an event loop. Requests after the last step are recorded and
    answered with 404. A POST to another path is answered with 404 too.
    """

    def __init__(
        self, *steps: ScriptStep, default_step: ScriptStep | None = None, host: str = LOCALHOST
    ) -> None:
        """`host`: the name of this machine for the clients; containers need another one."""
        self.requests: list[RecordedRequest] = []
        self._steps = deque(steps)
        self._default_step = default_step
        self._lock = threading.Lock()
        self._host = host
        bind_address = LOCALHOST if host == LOCALHOST else ""  # all addresses
        self._server = _ScriptedModelServer((bind_address, 0), _make_handler(self))

    @property
    def url(self) -> str:
        """The URL for OPENAI_BASE_URL."""
        return f"http://{self._host}:{self._server.server_address[1]}/v1"

    def add_steps(self, *steps: ScriptStep) -> None:
        with self._lock:
            self._steps.extend(steps)

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        with self._lock:
            self.requests.append(request)
            step = self._steps.popleft() if self._steps else self._default_step
        if callable(step):
            step = step(request)
        if step is None:
            return make_error_response(404, {"error": {"message": "the script has ended"}})
        return make_text_response(step) if isinstance(step, str) else step

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _ScriptedModelServer(ThreadingHTTPServer):
    daemon_threads = True  # a keep-alive connection must not block the end of the test run
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close the connection."""


def _make_handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body are sent together

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.path.endswith("/chat/completions"):
                self._send(model.respond(RecordedRequest(raw, headers)))
            else:
                error = {"message": f"no such path: {self.path}"}
                self._send(make_error_response(404, {"error": error, "headers": headers}))

        def _send(self, response: ScriptedResponse) -> None:
            if response.release_event is not None:
                response.release_event.wait(MAX_HOLD_SECONDS)
            if response.is_hanging:
                self.connection.settimeout(MAX_HOLD_SECONDS)
                with contextlib.suppress(OSError):
                    self.rfile.read(1)  # returns when the client disconnects
            self.close_connection = response.is_truncated or response.is_hanging
            if response.is_hanging or (response.is_truncated and not response.body):
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(response.body) + response.is_truncated))
            self.end_headers()
            self.wfile.write(response.body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler
