"""`doctor` finds problems and gives advice for each."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from control import requirements
from control.cli import main
from control.context import Context
from control.docker import plain_compose
from control.machine_requirements import GIGABYTE, REQUIRED_DISK, MachineFacts
from control.terminal import Terminal
from control.tests.conftest import ROOT
from control.tests.fake_machine import SUITABLE_MACHINE
from control.tests.server_thread import serve_in_thread
from smart_kit.testing.ports import free_port

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PORTS = (
    "REST_SERVICE",
    "GOOGLE_CALENDAR_SERVICE",
    "ASSISTANT",
    "CRON_SERVICE",
    "TG_BOT",
    "SANDBOX",
)


class ExternalServices(BaseHTTPRequestHandler):
    """Telegram and a model server at one address."""

    knows_bot = True
    date: str | None = None
    models = ("small", "large")

    def do_HEAD(self) -> None:
        self._respond(404, {})

    def do_GET(self) -> None:
        if self.path.endswith("/getMe"):
            if type(self).knows_bot:
                return self._respond(200, {"ok": True, "result": {"username": "my_bot"}})
            return self._respond(401, {"ok": False, "description": "Unauthorized"})
        if self.headers["Authorization"] != "Bearer right-key":
            return self._respond(401, {"error": {"message": "no"}})
        return self._respond(200, {"data": [{"id": name} for name in type(self).models]})

    def _respond(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", type(self).date or self.date_time_string())
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def external_services() -> Iterator[tuple[type[ExternalServices], str]]:
    handler = type("Handler", (ExternalServices,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    with serve_in_thread(server):
        yield handler, f"http://127.0.0.1:{server.server_port}"


def run_doctor(
    home: Path,
    output: io.StringIO,
    *options: str,
    machine: MachineFacts = SUITABLE_MACHINE,
    **environ: str,
) -> tuple[int, list[str]]:
    environment = {f"{name}_PORT": str(free_port()) for name in PORTS}
    # tests must not depend on the Docker of this machine
    environment |= {"PATH": str(home / "no-programs"), "STATE_DIR": str(home / "state"), **environ}
    terminal = Terminal(output, is_tty=False, colour=False)
    context = Context(
        home, home / "manage.py", environment, terminal, inspect_machine=lambda _: machine
    )
    status = main(["doctor", *options], context)
    return status, output.getvalue().splitlines()


@pytest.fixture(autouse=True)
def _requirement_files(home: Path) -> None:
    for file in requirements.runtime_files(ROOT):
        copy = home / file.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())


def find_line(lines: list[str], subject: str) -> str:
    return next(line for line in lines if subject in line.split(":")[0])


def test_fresh_clone_has_no_errors_and_stays_unchanged(home: Path, output: io.StringIO) -> None:
    before = {path.name for path in home.iterdir()}
    status, lines = run_doctor(home, output)

    assert status == 0
    assert not any("✗" in line for line in lines)
    assert {path.name for path in home.iterdir()} == before


def test_real_servers_are_checked_and_named(
    home: Path, output: io.StringIO, external_services: tuple[type[ExternalServices], str]
) -> None:
    _, url = external_services
    status, lines = run_doctor(
        home,
        output,
        TELEGRAM_TOKEN=TOKEN,
        TELEGRAM_API_URL=url,
        OPENAI_BASE_URL=f"{url}/v1",
        OPENAI_API_KEY="right-key",
        DEFAULT_MODEL="small",
    )

    assert status == 0
    assert "@my_bot" in find_line(lines, "Telegram")
    assert "has small" in find_line(lines, "model")
    assert "right" in find_line(lines, "clock")


def test_wrong_token_key_and_clock_are_errors_without_values(
    home: Path, output: io.StringIO, external_services: tuple[type[ExternalServices], str]
) -> None:
    handler, url = external_services
    handler.knows_bot = False
    handler.date = "Sat, 21 Nov 2020 12:00:00 GMT"
    status, lines = run_doctor(
        home,
        output,
        TELEGRAM_TOKEN=TOKEN,
        TELEGRAM_API_URL=url,
        OPENAI_BASE_URL=f"{url}/v1",
        OPENAI_API_KEY="a-wrong-key",
    )

    assert status == 1
    assert "@BotFather" in find_line(lines, "Telegram")
    assert "OPENAI_API_KEY" in find_line(lines, "model")
    assert "NTP" in find_line(lines, "clock")
    assert TOKEN not in output.getvalue()
    assert "a-wrong-key" not in output.getvalue()


def test_unreachable_server_and_an_unknown_model_are_reported(
    home: Path, output: io.StringIO, external_services: tuple[type[ExternalServices], str]
) -> None:
    _, url = external_services
    status, lines = run_doctor(
        home,
        output,
        TELEGRAM_TOKEN=TOKEN,
        TELEGRAM_API_URL=f"http://127.0.0.1:{free_port()}",
        OPENAI_BASE_URL=f"{url}/v1",
        OPENAI_API_KEY="right-key",
        DEFAULT_MODEL="huge",
    )

    assert status == 1
    assert "does not answer" in find_line(lines, "Telegram")
    assert "does not list huge" in find_line(lines, "model")


def test_port_of_another_program_is_reported(
    home: Path, output: io.StringIO, external_services: tuple[type[ExternalServices], str]
) -> None:
    port = external_services[1].rpartition(":")[2]
    status, lines = run_doctor(home, output, ASSISTANT_PORT=port)

    assert status == 1
    assert f"ASSISTANT_PORT={port}" in find_line(lines, "ports")


def test_readable_or_guessable_secrets_are_errors(home: Path, output: io.StringIO) -> None:
    env = home / ".env"
    env.write_text("ADMIN_API_TOKEN=short\n")
    env.chmod(0o644)
    status, lines = run_doctor(home, output)

    assert status == 1
    assert any("chmod 600" in line for line in lines)
    assert any("ADMIN_API_TOKEN is too short" in line for line in lines)


def test_secrets_of_docker_compose_are_not_reported_missing(
    home: Path, output: io.StringIO
) -> None:
    docker = home / "docker"
    docker.write_text(
        '#!/bin/sh\n[ "$*" = "compose ps --all --quiet setup" ] && echo abc\nexit 0\n'
    )
    docker.chmod(0o755)
    status, lines = run_doctor(home, output, PATH=f"{home}:{os.environ['PATH']}")

    assert status == 0
    assert find_line(lines, ".env").endswith(plain_compose.PRINT_ADMIN_TOKEN_COMMAND)
    assert not (home / ".env").exists()


def test_damaged_state_file_is_reported_with_advice(home: Path, output: io.StringIO) -> None:
    (home / "state" / "run").mkdir(parents=True)
    (home / "state" / "run" / "desired_state.json").touch()
    (home / "state" / "replicas.json").write_text('{"assistant": 0}')
    (home / "state" / "mode").touch()
    status, lines = run_doctor(home, output)
    assert status == 1
    assert "says assistant=0; a number is from 1 to 16: remove it" in find_line(lines, "replicas")
    assert "mode is damaged: give --docker or --local" in find_line(lines, "mode")
    assert any("desired_state.json is damaged: ./manage.py restart" in message for message in lines)


@pytest.mark.parametrize(
    ("machine", "subject", "message"),
    [
        (replace(SUITABLE_MACHINE, python=(3, 15)), "Python", "python3.14 manage.py start"),
        (replace(SUITABLE_MACHINE, is_musl=True), "platform", "musl"),
        (
            replace(SUITABLE_MACHINE, free_disk=REQUIRED_DISK // 2),
            "disk",
            "local mode needs 1.5 GB: make room",
        ),
        (replace(SUITABLE_MACHINE, is_noexec=True), "folder", "noexec"),
        (replace(SUITABLE_MACHINE, loopback_error="off"), "loopback", "ip link set lo up"),
    ],
)
def test_machine_apply_to_local_mode_only(
    home: Path, output: io.StringIO, machine: MachineFacts, subject: str, message: str
) -> None:
    requirements.runtime_files(home)[0].write_text("no-such-package-here==1.0 --hash=sha256:00\n")
    status, lines = run_doctor(home, output, "--local", machine=machine)
    assert status == 1
    (found,) = (line for line in lines if line.startswith(f" ✗ {subject} "))
    assert message in found

    output.truncate(0)
    assert run_doctor(home, output, "--docker", machine=machine)[0] == 0


def test_too_little_memory_is_a_warning(home: Path, output: io.StringIO) -> None:
    small = replace(SUITABLE_MACHINE, memory=GIGABYTE // 2)
    status, lines = run_doctor(home, output, "--local", machine=small)
    assert status == 0
    assert find_line(lines, "memory").startswith("! memory: 0.5 GB")
