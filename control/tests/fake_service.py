"""A service of nothing but /health and a rotation: `fake_service.py PORT_VARIABLE BEHAVIOUR`.

DEFAULT_MODEL=unwell makes it unwell whatever the behaviour, DEFAULT_MODEL=mended heals a crash.
With an own port it answers there too and shares the other one, as rest_service does.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        report = {"status": "ok", "environment": dict(os.environ)}
        if behaviour == "unwell":
            report = {"status": "unavailable", "detail": "TELEGRAM_TOKEN: Telegram says no"}
        body = json.dumps(report).encode()
        self.send_response(503 if behaviour == "unwell" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """All that is kept is encrypted with the newest key."""
        is_known = self.headers["Authorization"] == f"Bearer {os.environ['ADMIN_API_TOKEN']}"
        body = json.dumps({"rewritten": 0, "unchanged": 1, "unreadable": 0}).encode()
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


variable, behaviour = sys.argv[1:]
if os.environ.get("DEFAULT_MODEL") == "unwell":
    behaviour = "unwell"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(f"{variable} begins", flush=True)
if behaviour == "incomplete":
    raise ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")
if behaviour == "crash" and os.environ.get("DEFAULT_MODEL") != "mended":
    raise RuntimeError("cannot read the plan")
if behaviour == "task":
    sys.exit(0)


class SharedServer(ThreadingHTTPServer):
    allow_reuse_port = True


port = int(os.environ[variable])
if own_port := os.environ.get(variable.replace("_PORT", "_OWN_PORT")):
    own = ThreadingHTTPServer(("127.0.0.1", int(own_port)), Handler)
    threading.Thread(target=own.serve_forever, daemon=True).start()
    SharedServer(("127.0.0.1", port), Handler).serve_forever()
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
