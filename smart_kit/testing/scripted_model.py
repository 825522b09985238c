"""A model server behind the OpenAI protocol: it answers by a script and records its requests."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from smart_kit.testing.ports import LOCALHOST

JsonObject = dict[str, Any]

MAX_HOLD_SECONDS = 600.0
"""A forgotten `until` ends the test instead of the test run; none that is set comes so late."""


@dataclass(frozen=True)
class ScriptedResponse:
    """One HTTP answer, whatever it is worth."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    release_event: threading.Event | None = None
    """Is not sent before."""
    is_truncated: bool = False
    """The connection is closed before the end."""
    is_hanging: bool = False
    """Nothing comes, as long as the client waits."""


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it came."""

    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> JsonObject:
        """The request's JSON."""
        parsed: JsonObject = json.loads(self.raw)
        return parsed

    @property
    def messages(self) -> list[JsonObject]:
        """The conversation so far."""
        messages: list[JsonObject] = self.body["messages"]
        return messages


ScriptStep = str | ScriptedResponse | Callable[[RecordedRequest], "str | ScriptedResponse"]
"""What the model says: a text, an answer, or what a function makes of the request."""


def make_text_response(text: str | None, **message: Any) -> ScriptedResponse:
    """An answer with this text; `message` adds keys to it or replaces them."""
    return _make_completion({"role": "assistant", "content": text, **message}, "stop")


def make_tool_call_response(
    *functions: tuple[str, JsonObject | str], text: str | None = None
) -> ScriptedResponse:
    """An answer that calls functions: name and arguments, a string being sent as it is."""
    tool_calls = [
        {
            "id": f"call_{position}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for position, (name, given) in enumerate(functions)
    ]
    message = {"role": "assistant", "content": text, "tool_calls": tool_calls}
    return _make_completion(message, "tool_calls")


def make_error_response(status: int, body: Any = None, **headers: str) -> ScriptedResponse:
    """An error; `retry_after="1"` becomes the header retry-after."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedResponse(content, status, {"content-type": "application/json", **named})


def make_response(body: Any, content_type: str = "application/json") -> ScriptedResponse:
    """Status 200 with whatever: bytes as they are, else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ScriptedResponse(content, 200, {"content-type": content_type})


def make_truncated_response(after: bytes = b"") -> ScriptedResponse:
    """The connection breaks: before any answer, or after these bytes of its body."""
    return ScriptedResponse(after, headers={"content-type": "application/json"}, is_truncated=True)


def make_hanging_response() -> ScriptedResponse:
    """No answer, until the client gives up."""
    return ScriptedResponse(b"", is_hanging=True)


def make_gated_response(
    release_event: threading.Event, response: ScriptedResponse
) -> ScriptedResponse:
    """The answer, once the event is set."""
    return ScriptedResponse(response.body, response.status, response.headers, release_event)


def _make_completion(message: JsonObject, finish_reason: str) -> ScriptedResponse:
    return make_response(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    )


class ScriptedModel:
    """Answers POST /v1/chat/completions line by line, in its own threads.

    Works for tests with and without an event loop. What comes after the last line is refused (404),
    and is in `asked` all the same. A POST to any other path is refused with its own headers.
    """

    def __init__(
        self, *steps: ScriptStep, default_step: ScriptStep | None = None, host: str = LOCALHOST
    ) -> None:
        """`reached_at`: what those who ask call this machine; containers need another name."""
        self.requests: list[RecordedRequest] = []
        self._steps = deque(steps)
        self._default_step = default_step
        self._lock = threading.Lock()
        self._host = host
        listening_at = LOCALHOST if host == LOCALHOST else ""  # all addresses
        self._server = _ScriptedModelServer((listening_at, 0), _make_handler(self))

    @property
    def url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"http://{self._host}:{self._server.server_address[1]}/v1"

    def add_steps(self, *steps: ScriptStep) -> None:
        """Go on with these."""
        with self._lock:
            self._steps.extend(steps)

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        """The next line."""
        with self._lock:
            self.requests.append(request)
            line = self._steps.popleft() if self._steps else self._default_step
        if callable(line):
            line = line(request)
        if line is None:
            return make_error_response(404, {"error": {"message": "the script has ended"}})
        return make_text_response(line) if isinstance(line, str) else line

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _ScriptedModelServer(ThreadingHTTPServer):
    daemon_threads = True  # a kept-alive connection must not hold the test run
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client may leave whenever it likes."""


def _make_handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body leave together

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
                    self.rfile.read(1)  # returns when the client leaves
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
            """Tests print what they need."""

    return Handler
