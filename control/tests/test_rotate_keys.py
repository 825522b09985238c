"""Key rotation, against a small server in place of rest_service, and against a fake suite."""

import io
import json
import stat
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from control import dotenv, environment
from control.cli import main
from control.commands import rotate_keys
from control.commands.rotate_keys import KEY_VARIABLE
from control.context import Context
from control.errors import ControlError
from control.terminal import Terminal
from control.tests.fake_docker import HEALTHY, FakeDocker, make_container
from control.tests.fake_suite import FakeSuite
from control.tests.server_thread import serve_in_thread
from smart_kit.vault import Vault


class FakeRestService(ThreadingHTTPServer):
    """Sends prepared responses, the last one repeatedly, and records the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.responses: list[tuple[int, dict[str, object]]] = [(200, make_counts())]
        self.requests: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: FakeRestService

    def do_POST(self) -> None:
        self.server.requests.append((self.path, self.headers["Authorization"]))
        responses = self.server.responses
        status, body = responses.pop(0) if len(responses) > 1 else responses[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def make_counts(rewritten: int = 0, unreadable: int = 0) -> dict[str, object]:
    return {"rewritten": rewritten, "unchanged": 1, "unreadable": unreadable}


@pytest.fixture
def server() -> Iterator[FakeRestService]:
    running = FakeRestService()
    with serve_in_thread(running):
        yield running


@pytest.fixture
def context(home: Path, terminal: Terminal, server: FakeRestService) -> Context:
    """A context with the `.env` of a first start and the server in place of rest_service."""
    environment.ensure_secrets(home, {})
    return make_context(home, terminal, server)


def make_context(
    home: Path, terminal: Terminal, server: FakeRestService, **environ: str
) -> Context:
    port = str(server.server_address[1])
    environ = {"REST_SERVICE_PORT": port, **environ}
    return Context(home, home / "manage.py", environ, terminal)


def read_keys(home: Path) -> list[str]:
    return dotenv.read_variable(home / ".env", KEY_VARIABLE).split(",")


RUNNING = frozenset({"assistant", "rest_service"})


class RestartRecorder:
    """Records the restarted services and the keys at that moment."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.restarts: list[tuple[str, list[str]]] = []

    def __call__(self, context: Context, name: str) -> bool:
        self.restarts.append((name, context.settings.values[KEY_VARIABLE].split(",")))
        return name not in self.failing


def test_services_can_decrypt_with_a_key_before_any_encrypts(
    context: Context, home: Path, server: FakeRestService, output: io.StringIO
) -> None:
    (old,) = read_keys(home)
    server.responses = [(200, make_counts(rewritten=3)), (200, make_counts())]
    restarts = RestartRecorder()

    assert rotate_keys.rotate(context, RUNNING, restarts) == 0
    new, retained = read_keys(home)
    assert (retained, new != old) == (old, True)
    readable = [("assistant", [old, new]), ("rest_service", [old, new])]
    used = ("rest_service", [new, old])
    assert restarts.restarts == [*readable, used]
    token = dotenv.read_variable(home / ".env", "ADMIN_API_TOKEN")
    assert server.requests == [("/api/secrets/rotation", f"Bearer {token}")] * 2

    assert rotate_keys.drop_old(context, RUNNING, restarts) == 0
    assert read_keys(home) == [new]
    both, alone = ("assistant", [new, old]), [("assistant", [new]), ("rest_service", [new])]
    assert restarts.restarts == [*readable, used, both, used, *alone]
    assert len(server.requests) == 3
    assert new not in output.getvalue()
    assert old not in output.getvalue()


def test_rotation_keeps_other_lines_and_the_mode_of_env(context: Context, home: Path) -> None:
    file = home / ".env"
    before = file.read_text().splitlines()
    rotate_keys.rotate(context, RUNNING, RestartRecorder())
    rotate_keys.drop_old(context, RUNNING, RestartRecorder())

    after = file.read_text().splitlines()
    assert [line for line in before if line not in after] == [
        line for line in before if line.startswith(KEY_VARIABLE)
    ]
    assert len(after) == len(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_killed_rotation_continues_and_loses_no_needed_key(
    context: Context, home: Path, terminal: Terminal, server: FakeRestService, killed_at: int
) -> None:
    (old,) = read_keys(home)
    done: list[str] = []

    def restart_and_die(_: Context, name: str) -> bool:
        done.append(name)
        if len(done) == killed_at:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        rotate_keys.rotate(context, RUNNING, restart_and_die)
    left = read_keys(home)
    (new,) = set(left) - {old}
    assert left == ([old, new] if killed_at <= 2 else [new, old])

    again = RestartRecorder()
    assert rotate_keys.rotate(make_context(home, terminal, server), RUNNING, again) == 0
    assert read_keys(home) == [new, old]
    assert again.restarts[:2] == [("assistant", left), ("rest_service", left)]
    assert again.restarts[-1] == ("rest_service", [new, old])
    rotate_keys.rotate(make_context(home, terminal, server), RUNNING, again)
    assert read_keys(home)[1:] == [new, old]


def test_drop_old_first_completes_an_interrupted_rotation(
    context: Context, home: Path, terminal: Terminal, server: FakeRestService
) -> None:
    (old,) = read_keys(home)
    with pytest.raises(ControlError):
        rotate_keys.rotate(context, RUNNING, RestartRecorder("rest_service"))
    (new,) = set(read_keys(home)) - {old}

    rotate_keys.drop_old(make_context(home, terminal, server), RUNNING, RestartRecorder())
    assert read_keys(home) == [new]


@pytest.mark.parametrize("killed_at", range(1, 5))
def test_killed_drop_continues_and_loses_no_needed_key(
    context: Context, home: Path, killed_at: int
) -> None:
    rotate_keys.rotate(context, RUNNING, RestartRecorder())
    new, old = read_keys(home)
    done: list[str] = []

    def restart_and_die(_: Context, name: str) -> bool:
        done.append(name)
        if len(done) == killed_at:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        rotate_keys.drop_old(context, RUNNING, restart_and_die)
    assert read_keys(home) == ([new, old] if killed_at <= 2 else [new])

    again = RestartRecorder()
    assert rotate_keys.drop_old(context, RUNNING, again) == 0
    assert read_keys(home) == [new]
    assert again.restarts[-2:] == [("assistant", [new]), ("rest_service", [new])]


def test_another_suite_of_the_file_can_still_decrypt_its_data(
    context: Context, home: Path, terminal: Terminal, server: FakeRestService, output: io.StringIO
) -> None:
    row = uuid4()
    encrypted = Vault(tuple(read_keys(home))).encrypt(row, "secret text")
    rotate_keys.rotate(context, RUNNING, RestartRecorder())

    other = make_context(home, terminal, server, STATE_DIR=str(home / "other"))
    vault = Vault(tuple(other.settings.values[KEY_VARIABLE].split(",")))
    assert vault.decrypt(row, encrypted) == "secret text"
    assert not vault.is_encrypted_with_newest_key(encrypted)
    assert "--drop-old" in output.getvalue()


def test_stopped_service_is_not_started(context: Context, server: FakeRestService) -> None:
    restarts = RestartRecorder()
    rotate_keys.rotate(context, {"rest_service"}, restarts)
    assert {name for name, _ in restarts.restarts} == {"rest_service"}
    request_count = len(server.requests)

    with pytest.raises(ControlError, match="start --service rest_service"):
        rotate_keys.rotate(context, {"assistant"}, restarts)
    assert len(server.requests) == request_count


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ((200, make_counts(unreadable=2)), "2 stored API keys and secrets cannot be decrypted"),
        ((200, make_counts(rewritten=1)), "repeatedly encrypted"),
        ((503, {"detail": "Redis is away"}), "Redis is away"),
    ],
)
def test_failed_reencryption_retains_old_keys(
    context: Context,
    home: Path,
    server: FakeRestService,
    response: tuple[int, dict[str, object]],
    message: str,
) -> None:
    (old,) = read_keys(home)
    server.responses = [response]
    with pytest.raises(ControlError, match=message):
        rotate_keys.rotate(context, RUNNING, RestartRecorder())
    with pytest.raises(ControlError, match=message):
        rotate_keys.drop_old(context, RUNNING, RestartRecorder())

    assert read_keys(home)[1:] == [old]


def test_unhealthy_service_prevents_encryption_with_the_new_key(
    context: Context, home: Path, server: FakeRestService
) -> None:
    (old,) = read_keys(home)
    restarts = RestartRecorder("assistant")
    with pytest.raises(ControlError, match="assistant does not become healthy"):
        rotate_keys.rotate(context, RUNNING, restarts)

    assert [name for name, _ in restarts.restarts] == ["assistant"]
    assert (read_keys(home)[:1], server.requests) == ([old], [])


def test_concurrent_rotations_of_one_file_are_refused(
    context: Context, home: Path, terminal: Terminal, server: FakeRestService
) -> None:
    seen: list[list[str]] = []
    other = make_context(home, terminal, server, STATE_DIR=str(home / "other"))
    for state in (context.state_dir, other.state_dir):
        state.mkdir(exist_ok=True)

    def restart(_: Context, __: str) -> bool:
        for operation in (rotate_keys.rotate, rotate_keys.drop_old):
            with pytest.raises(ControlError, match=r"another \./manage\.py rotate-keys"):
                operation(other, RUNNING, RestartRecorder())
        seen.append(read_keys(home))
        return True

    rotate_keys.rotate(context, RUNNING, restart)
    readable = read_keys(home)[::-1]
    assert seen == [readable, readable, read_keys(home)]


def test_keys_of_the_process_environment_are_not_changed(
    context: Context, home: Path, terminal: Terminal, server: FakeRestService
) -> None:
    with pytest.raises(ControlError, match="comes from the environment"):
        rotate_keys.rotate(
            make_context(home, terminal, server, **{KEY_VARIABLE: "mine"}),
            RUNNING,
            RestartRecorder(),
        )


@pytest.mark.parametrize("mode", ["--local", "--docker"])
def test_rotation_without_running_services_advises_to_start(
    home: Path, output: io.StringIO, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    environment.ensure_secrets(home, {})
    before = read_keys(home)
    docker = FakeDocker(home)
    docker.responses["compose ps"] = ["", 0]

    assert docker.manage(output, "rotate-keys", mode) == 1
    assert "./manage.py start first" in capsys.readouterr().err
    assert read_keys(home) == before


def test_running_processes_get_the_new_key_and_drop_the_old(
    suite: FakeSuite,
) -> None:
    suite.manage("start")
    old = suite.fetch_environment("REST_SERVICE_PORT")[KEY_VARIABLE]
    bystander = suite.pid("tg_bot")

    message = suite.manage("rotate-keys")
    both = suite.fetch_environment("REST_SERVICE_PORT")[KEY_VARIABLE]
    assert both == dotenv.read_variable(suite.home / "state" / "secrets.env", KEY_VARIABLE)
    new, retained = both.split(",")
    assert (retained, new != old) == (old, True)
    assert (old in message, new in message) == (False, False)
    suite.manage("rotate-keys", "--drop-old")
    assert suite.fetch_environment("REST_SERVICE_PORT")[KEY_VARIABLE] == new
    assert suite.pid("tg_bot") == bystander


def test_stopped_service_stays_stopped(suite: FakeSuite) -> None:
    suite.manage("start")
    suite.manage("stop", "--service", "rest_service")
    before = dotenv.read_variable(suite.home / "state" / "secrets.env", KEY_VARIABLE)

    assert "rest_service does not run" in suite.manage("rotate-keys", status=1)
    assert suite.component_status("rest_service").state == "stopped"
    assert dotenv.read_variable(suite.home / "state" / "secrets.env", KEY_VARIABLE) == before


def test_containers_get_the_new_key_and_drop_the_old(
    home: Path, terminal: Terminal, output: io.StringIO, server: FakeRestService
) -> None:
    environment.ensure_secrets(home, {})
    (old,) = read_keys(home)
    docker = FakeDocker(home)
    names = ("assistant", "rest_service")
    docker.set_containers(*(make_container(name, **HEALTHY) for name in names))
    port = str(server.server_address[1])

    for options in ((), ("--drop-old",)):
        assert (
            docker.manage(output, "rotate-keys", "--docker", *options, REST_SERVICE_PORT=port) == 0
        )
    (new,) = read_keys(home)
    made = [
        (name, call["environment"][KEY_VARIABLE])
        for call in docker.calls
        for name in names
        if {"--force-recreate", name} <= set(call["arguments"])
    ]
    both = f"{new},{old}"
    assert made == [
        ("assistant", f"{old},{new}"),
        ("rest_service", f"{old},{new}"),
        ("rest_service", both),
        ("assistant", both),
        ("rest_service", both),
        ("assistant", new),
        ("rest_service", new),
    ]


def test_rotate_keys_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rotate-keys", "--help"])
    assert "replace the master key" in capsys.readouterr().out
