from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from control import health
from control.health import HealthStatus
from control.tests.server_thread import serve_in_thread
from smart_kit.testing.ports import free_port


@contextmanager
def serve_health(status: int, body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with serve_in_thread(server):
        yield server.server_address[1]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"status": "ok"}', HealthStatus(is_healthy=True)),
        (
            503,
            b'{"status": "unavailable", "detail": "Redis: no"}',
            HealthStatus(False, "Redis: no"),
        ),
        (503, b'{"status": "unavailable"}', HealthStatus(False, "unavailable")),
        (500, b"<html>", HealthStatus(False, "/health says 500")),
        (500, b"[1]", HealthStatus(False, "/health says 500")),
    ],
)
def test_health_is_read_from_the_service_response(
    status: int, body: bytes, expected: HealthStatus
) -> None:
    with serve_health(status, body) as port:
        assert health.check_service(port) == expected


def test_unreachable_service_is_unhealthy() -> None:
    port = free_port()
    assert health.check_service(port) == HealthStatus(
        False, f"does not listen on port {port} yet", has_answered=False
    )
