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

HELD_SECONDS = 600.0
"""A forgotten `until` ends the test instead of the test run; none that is set comes so late."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whatever it is worth."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    until: threading.Event | None = None
    """Is not sent before."""
    is_cut: bool = False
    """The connection is closed before the end."""
    is_missing: bool = False
    """Nothing comes, as long as the client waits."""


@dataclass(frozen=True)
class Asked:
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


Line = str | Answer | Callable[[Asked], "str | Answer"]
"""What the model says: a text, an answer, or what a function makes of the request."""


def says(text: str | None, **message: Any) -> Answer:
    """An answer with this text; `message` adds keys to it or replaces them."""
    return _completion({"role": "assistant", "content": text, **message}, "stop")


def calls(*functions: tuple[str, JsonObject | str], text: str | None = None) -> Answer:
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
    return _completion(message, "tool_calls")


def fails(status: int, body: Any = None, **headers: str) -> Answer:
    """An error; `retry_after="1"` becomes the header retry-after."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(content, status, {"content-type": "application/json", **named})


def sends(body: Any, content_type: str = "application/json") -> Answer:
    """Status 200 with whatever: bytes as they are, else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(content, 200, {"content-type": content_type})


def cuts(after: bytes = b"") -> Answer:
    """The connection breaks: before any answer, or after these bytes of its body."""
    return Answer(after, headers={"content-type": "application/json"}, is_cut=True)


def hangs() -> Answer:
    """No answer, until the client gives up."""
    return Answer(b"", is_missing=True)


def held(until: threading.Event, answer: Answer) -> Answer:
    """The answer, once the event is set."""
    return Answer(answer.body, answer.status, answer.headers, until)


def _completion(message: JsonObject, finish_reason: str) -> Answer:
    return sends(
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
        self, *lines: Line, otherwise: Line | None = None, reached_at: str = LOCALHOST
    ) -> None:
        """`reached_at`: what those who ask call this machine; containers need another name."""
        self.asked: list[Asked] = []
        self._lines = deque(lines)
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._reached_at = reached_at
        listening_at = LOCALHOST if reached_at == LOCALHOST else ""  # all addresses
        self._server = _Server((listening_at, 0), _handler_of(self))

    @property
    def url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"http://{self._reached_at}:{self._server.server_address[1]}/v1"

    def expect(self, *lines: Line) -> None:
        """Go on with these."""
        with self._lock:
            self._lines.extend(lines)

    def answer(self, asked: Asked) -> Answer:
        """The next line."""
        with self._lock:
            self.asked.append(asked)
            line = self._lines.popleft() if self._lines else self._otherwise
        if callable(line):
            line = line(asked)
        if line is None:
            return fails(404, {"error": {"message": "the script has ended"}})
        return says(line) if isinstance(line, str) else line

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a kept-alive connection must not hold the test run
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client may leave whenever it likes."""


def _handler_of(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body leave together

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            heard = {name.lower(): value for name, value in self.headers.items()}
            if self.path.endswith("/chat/completions"):
                self._send(model.answer(Asked(raw, heard)))
            else:
                error = {"message": f"no such path: {self.path}"}
                self._send(fails(404, {"error": error, "headers": heard}))

        def _send(self, answer: Answer) -> None:
            if answer.until is not None:
                answer.until.wait(HELD_SECONDS)
            if answer.is_missing:
                self.connection.settimeout(HELD_SECONDS)
                with contextlib.suppress(OSError):
                    self.rfile.read(1)  # returns when the client leaves
            self.close_connection = answer.is_cut or answer.is_missing
            if answer.is_missing or (answer.is_cut and not answer.body):
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body) + answer.is_cut))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Tests print what they need."""

    return Handler
