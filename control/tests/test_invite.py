"""Against a small server in place of rest_service and Telegram."""

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.terminal import Terminal
from control.tests.server_thread import serve_in_thread
from smart_kit.testing.ports import free_port


class FakeRestAndTelegram(ThreadingHTTPServer):
    """`requests` holds the requests to rest_service."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.has_owner = False
        self.requests: list[dict[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: FakeRestAndTelegram

    def do_POST(self) -> None:
        self.server.requests.append(
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            | {"path": self.path, "token": self.headers["Authorization"]}
        )
        if self.server.has_owner and self.server.requests[-1]["role"] == "owner":
            self._respond(409, {"error": "Conflict", "detail": "There is an owner already."})
        else:
            self._respond(201, {"code": "c0de", "expires_at": "2026-11-21T11:00:00Z"})

    def do_GET(self) -> None:
        if self.path == "/bot1:abc/getMe":
            self._respond(200, {"ok": True, "result": {"username": "my_bot"}})
        else:
            self._respond(401, {"ok": False, "description": "Unauthorized"})

    def _respond(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[FakeRestAndTelegram]:
    running = FakeRestAndTelegram()
    with serve_in_thread(running):
        yield running


@pytest.fixture
def environ(server: FakeRestAndTelegram) -> dict[str, str]:
    port = server.server_address[1]
    return {
        "STATE_DIR": "state",
        "REST_SERVICE_PORT": str(port),
        "TELEGRAM_API_URL": f"http://127.0.0.1:{port}/",
        "TELEGRAM_TOKEN": "1:abc",
        "ADMIN_API_TOKEN": "admin",
    }


def run_invite(home: Path, terminal: Terminal, environ: dict[str, str], *arguments: str) -> int:
    return main(["invite", *arguments], Context(home, home / "manage.py", environ, terminal))


@pytest.mark.parametrize(("arguments", "role"), [((), "user"), (("--owner",), "owner")])
def test_link_opens_the_bot_with_a_code_of_the_role(
    home: Path,
    terminal: Terminal,
    output: io.StringIO,
    server: FakeRestAndTelegram,
    environ: dict[str, str],
    arguments: tuple[str, ...],
    role: str,
) -> None:
    assert run_invite(home, terminal, environ, *arguments) == 0
    assert output.getvalue().splitlines() == [
        "https://t.me/my_bot?start=c0de",
        "works once, until 2026-11-21T11:00:00Z",
    ]
    assert server.requests == [{"role": role, "path": "/api/invites", "token": "Bearer admin"}]


def test_second_owner_is_refused(
    home: Path,
    terminal: Terminal,
    server: FakeRestAndTelegram,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.has_owner = True
    assert run_invite(home, terminal, environ, "--owner") == 1
    assert capsys.readouterr().err == "manage.py: There is an owner already.\n"


def test_unknown_telegram_token_is_reported_without_its_value(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_invite(home, terminal, environ | {"TELEGRAM_TOKEN": "2:wrong"}) == 1
    message = capsys.readouterr().err
    assert message == "manage.py: Telegram does not know this bot: Unauthorized\n"


def test_stopped_suite_is_reported_with_advice(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_invite(home, terminal, environ | {"REST_SERVICE_PORT": str(free_port())}) == 1
    assert "./manage.py status" in capsys.readouterr().err


def test_missing_admin_token_is_explained(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_invite(home, terminal, environ | {"ADMIN_API_TOKEN": ""}) == 1
    message = capsys.readouterr().err
    assert message == "manage.py: there is no ADMIN_API_TOKEN yet: ./manage.py start makes it\n"
