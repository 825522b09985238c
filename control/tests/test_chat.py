"""The terminal chat, against a small server in place of the sandbox."""

import argparse
import io
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from control import outage_detector
from control.cli import main
from control.commands import chat
from control.context import Context
from control.sandbox_chat import ChatMessage, InlineButton
from control.terminal import Terminal
from control.tests.fake_docker import HEALTHY, UNHEALTHY, FakeDocker, make_container
from control.tests.server_thread import serve_in_thread
from smart_kit.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "sandbox-chat-token"
EARLY_CHECKS_SCRIPT = """\
import sys
from control import health, outage_detector
from control.cli import main
health._TIMEOUT_SECONDS = 60.0
outage_detector.FIRST_CHECK_SECONDS, outage_detector.CHECK_INTERVAL_SECONDS = 0.3, 0.1
sys.exit(main(["chat", "--local"]))
"""
PEOPLE = [
    {"id": 1, "first_name": "Alice", "last_name": "", "username": "alice", "language_code": "en"},
    {"id": 2, "first_name": "Борис", "last_name": None, "username": None, "language_code": "ru"},
]


class FakeSandbox(ThreadingHTTPServer):
    """Answers each message with `replies`, after "typing" once."""

    daemon_threads = True

    def __init__(self, replies: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = replies
        self.messages: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        self.button_presses: list[dict[str, Any]] = []
        self.is_typing = False

    def add_message(self, person: int, sender: str, text: str) -> dict[str, Any]:
        number = 10 + sum(map(len, self.messages.values()))
        message = {"message_id": number, "from": sender, "text": text}
        self.messages[person].append(message)
        return message


class Handler(BaseHTTPRequestHandler):
    server: FakeSandbox

    def do_GET(self) -> None:
        path, _, after = self.path.partition("?after=")
        if path == "/chat/people":
            self._respond({"items": PEOPLE})
            return
        person = int(path.split("/")[2])
        if self.server.is_typing:
            self.server.is_typing = False
            self._respond({"items": [], "typing": True})
            return
        printed = [it for it in self.server.messages[person] if it["message_id"] > int(after)]
        self._respond({"items": printed, "typing": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        person = int(self.path.split("/")[2])
        if self.path.endswith("/buttons"):
            self.server.button_presses.append(body)
            message = {"message_id": body["message_id"]}
        else:
            message = self.server.add_message(person, "person", body["text"])
        self.server.is_typing = True
        for reply in self.server.replies:
            self.server.add_message(person, "bot", reply)
        self._respond(message)

    def _respond(self, content: object) -> None:
        is_allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
        body = json.dumps(content if is_allowed else {"detail": "a token is needed"}).encode()
        self.send_response(200 if is_allowed else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def sandbox() -> Iterator[FakeSandbox]:
    server = FakeSandbox(["It is 12:00 in Tokyo."])
    with serve_in_thread(server):
        yield server


@pytest.fixture
def environ(sandbox: FakeSandbox) -> dict[str, str]:
    port = str(sandbox.server_address[1])
    return {"STATE_DIR": "state", "SANDBOX_PORT": port, "SANDBOX_CHAT_TOKEN": TOKEN}


def run_chat(home: Path, terminal: Terminal, environ: dict[str, str], *arguments: str) -> int:
    return main(["chat", *arguments], Context(home, home / "manage.py", environ, terminal))


def test_single_question_prints_only_its_answer(
    home: Path,
    terminal: Terminal,
    output: io.StringIO,
    sandbox: FakeSandbox,
    environ: dict[str, str],
) -> None:
    sandbox.add_message(1, "bot", "An old answer.")
    assert run_chat(home, terminal, environ, "What time is it", "in Tokyo?") == 0
    assert output.getvalue() == "It is 12:00 in Tokyo.\n"
    assert sandbox.messages[1][1]["text"] == "What time is it in Tokyo?"


def test_all_messages_of_an_answer_are_printed(
    home: Path,
    terminal: Terminal,
    output: io.StringIO,
    sandbox: FakeSandbox,
    environ: dict[str, str],
) -> None:
    sandbox.replies = ["First.", "Second."]
    assert run_chat(home, terminal, environ, "Tell me") == 0
    assert output.getvalue() == "First.\nSecond.\n"


def test_number_presses_the_button_with_that_number(
    home: Path,
    terminal: Terminal,
    output: io.StringIO,
    sandbox: FakeSandbox,
    environ: dict[str, str],
) -> None:
    sandbox.replies = ["Poet answers you from now on."]
    rows = [[{"text": "✓ Secretary", "callback_data": "assistant:1"}]]
    rows += [[{"text": "Poet", "callback_data": "assistant:2"}]]
    question = sandbox.add_message(1, "bot", "Who should answer you?")
    question["reply_markup"] = {"inline_keyboard": rows}

    assert run_chat(home, terminal, environ, "2") == 0
    assert sandbox.button_presses == [{"message_id": question["message_id"], "data": "assistant:2"}]
    assert output.getvalue() == "Poet answers you from now on.\n"

    sandbox.add_message(1, "bot", question["text"])["reply_markup"] = question["reply_markup"]
    assert run_chat(home, terminal, environ, "3") == 0, "there is no such button: it is a message"
    assert sandbox.messages[1][-2]["text"] == "3"


def test_buttons_are_printed_with_their_numbers() -> None:
    buttons = (InlineButton("✓ Secretary", "assistant:1"), InlineButton("Poet", "assistant:2"))
    message = ChatMessage(1, is_from_bot=True, text="Who should answer you?", buttons=buttons)
    assert message.rendered_text == (
        "Who should answer you?\n  1. ✓ Secretary\n  2. Poet\n  A number presses its button."
    )


@pytest.mark.parametrize("name", ["Борис", "борис", "2"])
def test_messages_can_be_sent_as_another_person(
    home: Path, terminal: Terminal, sandbox: FakeSandbox, environ: dict[str, str], name: str
) -> None:
    assert run_chat(home, terminal, environ, "--as", name, "привет") == 0
    assert sandbox.messages[2][0]["text"] == "привет"


def test_unknown_person_is_reported_with_the_known_people(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_chat(home, terminal, environ, "--as", "Carol", "hi") == 1
    assert "there is no user 'Carol' in the sandbox; there are: Alice, Борис" in (
        capsys.readouterr().err
    )


def test_missing_answer_is_reported_after_the_timeout(
    home: Path,
    terminal: Terminal,
    sandbox: FakeSandbox,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    sandbox.replies = []
    assert run_chat(home, terminal, environ, "--timeout", "0.5", "hi") == 1
    assert "no answer within 0.5 s" in capsys.readouterr().err


class HealthHandler(BaseHTTPRequestHandler):
    """A healthy service."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def without_tg_bot(environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """The settings of a suite in which everything but tg_bot runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), HealthHandler)
    with serve_in_thread(server):
        assistant = str(server.server_address[1])
        yield environ | {"ASSISTANT_PORT": assistant, "TG_BOT_PORT": str(free_port())}


def test_stopped_service_is_reported_long_before_the_timeout(
    home: Path,
    terminal: Terminal,
    sandbox: FakeSandbox,
    without_tg_bot: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outage_detector, "FIRST_CHECK_SECONDS", 0.3)
    monkeypatch.setattr(outage_detector, "CHECK_INTERVAL_SECONDS", 0.1)
    sandbox.replies = []
    assert run_chat(home, terminal, without_tg_bot, "--local", "hi") == 1
    assert capsys.readouterr().err == (
        "manage.py: no answer is coming: tg_bot is not running;"
        " see ./manage.py status, and ./manage.py start for what is missing\n"
    )


def test_service_without_healthy_container_is_missing(
    home: Path, terminal: Terminal, environ: dict[str, str]
) -> None:
    docker = FakeDocker(home)
    docker.set_containers(
        make_container("assistant", **UNHEALTHY), make_container("assistant", **HEALTHY)
    )
    docker.responses["compose logs"] = ["", 0]
    docker.write_responses()
    path = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
    context = Context(home, home / "manage.py", environ | path, terminal)
    options = argparse.Namespace(docker=True, local=False)
    assert chat.find_unhealthy_services(context, options) == {"tg_bot": "is not running"}


def test_unknown_mode_reports_no_missing_service(
    home: Path, terminal: Terminal, environ: dict[str, str]
) -> None:
    context = Context(home, home / "manage.py", environ, terminal)
    context.state_dir.mkdir(parents=True, exist_ok=True)
    (context.state_dir / "mode").touch()
    assert (
        chat.find_unhealthy_services(context, argparse.Namespace(docker=False, local=False)) == {}
    )


def test_piped_lines_are_answered_in_order(
    home: Path,
    terminal: Terminal,
    output: io.StringIO,
    sandbox: FakeSandbox,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("one\n\ntwo\n"))
    assert run_chat(home, terminal, environ) == 0
    assert [it["text"] for it in sandbox.messages[1] if it["from"] == "person"] == ["one", "two"]
    assert output.getvalue() == "It is 12:00 in Tokyo.\n" * 2


def test_wrong_token_is_reported(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_chat(home, terminal, environ | {"SANDBOX_CHAT_TOKEN": "wrong"}, "hi") == 1
    assert capsys.readouterr().err == "manage.py: the sandbox refuses: a token is needed\n"


def test_stopped_suite_is_reported_with_advice(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_chat(home, terminal, environ | {"SANDBOX_PORT": str(free_port())}, "hi") == 1
    printed = capsys.readouterr().err
    assert "the sandbox cannot be reached" in printed
    assert "./manage.py start" in printed


def test_chat_with_a_real_telegram_is_refused(
    home: Path, terminal: Terminal, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_chat(home, terminal, environ | {"TELEGRAM_TOKEN": "1:abc"}, "hi") == 1
    assert "TELEGRAM_TOKEN is set" in capsys.readouterr().err


@contextmanager
def chat_terminal(home: Path, environ: dict[str, str]) -> Iterator[int]:
    """`./manage.py chat` on a terminal of its own, which must end after /quit.

    It checks early why there is no reply.
    """
    chat_side, process_side = pty.openpty()
    command = [sys.executable, "-c", EARLY_CHECKS_SCRIPT]
    isolated = dict(os.environ) | environ | {"STATE_DIR": str(home), "TELEGRAM_TOKEN": ""}
    isolated["PYTHONPATH"] = str(ROOT)
    with subprocess.Popen(
        command, env=isolated, stdin=process_side, stdout=process_side
    ) as process:
        os.close(process_side)
        try:
            yield chat_side
            os.write(chat_side, b"/quit\n")
            assert process.wait(60) == 0
        finally:
            process.kill()
            os.close(chat_side)


def test_conversation_shows_answers_and_late_messages(
    home: Path, sandbox: FakeSandbox, environ: dict[str, str]
) -> None:
    with chat_terminal(home, environ) as terminal:
        seen = read_until(terminal, "› ")
        assert "You are Alice." in seen
        os.write(terminal, b"hi\n")
        seen = read_until(terminal, "It is 12:00 in Tokyo.")
        assert "typing…" in seen
        sandbox.add_message(1, "bot", "A reminder: stretch.")
        read_until(terminal, "A reminder: stretch.")


def test_conversation_explains_a_missing_answer(
    home: Path, sandbox: FakeSandbox, without_tg_bot: dict[str, str]
) -> None:
    sandbox.replies = []
    with chat_terminal(home, without_tg_bot) as terminal:
        read_until(terminal, "› ")
        os.write(terminal, b"hi\n")
        read_until(terminal, "tg_bot is not running; see ./manage.py status")
        sandbox.add_message(1, "bot", "It is back.")
        read_until(terminal, "It is back.")


def read_until(terminal: int, text: str) -> str:
    """Return the output of the terminal up to this text."""
    seen = b""
    while text not in seen.decode(errors="ignore"):
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 4096)
    return seen.decode(errors="ignore")
