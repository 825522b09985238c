"""What an operator sees: start, stop, again, and when something breaks."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smart_kit.testing.ports import is_open
from smart_kit.testing.suite import ROOT, Suite, wait_until

pytestmark = pytest.mark.e2e

TOKEN = "424242:" + "A" * 35
WRONG_TOKEN = "424242:" + "B" * 35


def test_after_stop_nothing_runs_and_after_start_the_conversation_goes_on(
    own_suite: Suite,
) -> None:
    started = own_suite.manage("start")
    assert own_suite.url("SANDBOX_PORT", "/?token=") in started
    alice = own_suite.person("Alice")
    alice.ask("My favourite colour is teal")
    seen = alice.messages()

    own_suite.manage("stop")
    assert own_suite.processes() == []

    own_suite.manage("start")
    alice = own_suite.person("Alice")
    assert alice.messages() == seen
    assert "teal" in alice.ask("What was my previous message?")


def test_a_killed_service_is_started_again_and_answers(own_suite: Suite) -> None:
    own_suite.manage("start")
    alice = own_suite.person("Alice")
    alice.ask("hi")
    victims = [
        pid
        for pid in own_suite.processes()
        if any(name in _command(pid) for name in ("assistant.src.main", "tg_bot.src.main"))
    ]
    assert len(victims) == 2
    for pid in victims:
        os.kill(pid, signal.SIGKILL)

    assert alice.ask("hi", seconds=60)
    wait_until(lambda: own_suite.try_manage("status").returncode == 0, seconds=60)


def test_a_busy_port_is_named_in_one_line(own_suite: Suite) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(own_suite.environment["ASSISTANT_PORT"])))
        squatter.listen()
        refused = own_suite.try_manage("start")

    assert refused.returncode != 0
    assert own_suite.environment["ASSISTANT_PORT"] in refused.stdout
    assert "ASSISTANT_PORT" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert own_suite.processes() == []


def test_the_same_services_work_with_other_servers_and_start_no_sandbox(
    own_suite: Suite,
) -> None:
    """Another suite's sandbox plays the Telegram and the model of somebody else."""
    with _elsewhere(own_suite) as other:
        own_suite.environment |= {
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API_URL": other.url("SANDBOX_PORT"),
            "TELEGRAM_ALLOWED_USERS": "*",
            "OPENAI_BASE_URL": other.url("SANDBOX_PORT", "/v1"),
            "OPENAI_API_KEY": "somebody-elses",
        }
        own_suite.manage("start")
        assert "Tokyo" in other.person("Alice").ask("What time is it in Tokyo?")
        assert not is_open(int(own_suite.environment["SANDBOX_PORT"]))


def test_a_wrong_token_is_named(own_suite: Suite) -> None:
    with _elsewhere(own_suite) as other:
        own_suite.environment |= {
            "TELEGRAM_TOKEN": WRONG_TOKEN,
            "TELEGRAM_API_URL": other.url("SANDBOX_PORT"),
            "OPENAI_BASE_URL": other.url("SANDBOX_PORT", "/v1"),
        }
        started = own_suite.try_manage("start")

    assert started.returncode == 1
    assert "TELEGRAM_TOKEN" in started.stdout
    assert WRONG_TOKEN.partition(":")[2] not in started.stdout
    assert "Traceback" not in started.stdout


@contextmanager
def _elsewhere(suite: Suite) -> Iterator[Suite]:
    """Only the sandbox of a suite that is not this one: the servers of somebody else."""
    other = Suite(suite.state_dir.parent / "other", {"TELEGRAM_TOKEN": TOKEN})
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.main"],
        env=os.environ | other.environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_open(int(other.environment["SANDBOX_PORT"])))
        yield other
    finally:
        other.close()
        process.terminate()
        process.wait(timeout=20)


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
