"""An HTTP server outside the suite that records its requests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

BEARER_TOKEN = "sesame"
"""The token that POST /bell requires."""


class ExternalServer:
    """POST /bell {"word": …} is a write with an effect; GET /dial/<word> is a read."""

    def __init__(self) -> None:
        self.bell_words: list[str] = []
        """The word of each POST /bell."""
        self.dial_words: list[str] = []
        """The word of each GET /dial."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://{self.host}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _make_handler(server: ExternalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            word = str(json.loads(content)["word"])
            if self.headers["authorization"] != f"Bearer {BEARER_TOKEN}":
                self._respond(401, "wrong token")
                return
            server.bell_words.append(word)
            self._respond(200, f"rang {word}")

        def do_GET(self) -> None:
            word = unquote(self.path.rpartition("/")[2])
            server.dial_words.append(word)
            self._respond(200, f"stands at {word}")

        def _respond(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
