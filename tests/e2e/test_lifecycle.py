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

from control.local.run_directory import RunDirectory
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


def test_three_assistants_share_the_work_and_one_of_them_is_missed_by_nobody(
    own_suite: Suite,
) -> None:
    own_suite.manage("start", "--replicas", "assistant=3", "--replicas", "rest_service=2")
    run = RunDirectory(own_suite.state_dir)
    before = {name: process.pid for name, process in run.processes().items()}
    three = {before[name] for name in ("assistant", "assistant.2", "assistant.3")}
    assert len(three) == 3
    assert three <= set(own_suite.processes())

    os.kill(before["assistant.2"], signal.SIGKILL)
    os.kill(before["rest_service"], signal.SIGKILL)
    people = [own_suite.person(name) for name in ("Alice", "Bob", "Carol", "Dave")]
    for number, person in enumerate(people):
        assert str(number + 7) in person.ask(f"what is {number} + 7?", seconds=60)
    wait_until(lambda: own_suite.try_manage("status").returncode == 0, seconds=60)
    killed = ("assistant.2", "rest_service")
    after = {name: process.pid for name, process in run.processes().items()}
    assert {name for name in before if after[name] != before[name]} == set(killed)

    own_suite.manage("restart")
    assert {"assistant.2", "assistant.3", "rest_service.2"} <= set(run.processes())
    kept = {name: process.pid for name, process in run.processes().items()}
    own_suite.manage("start", "--replicas", "assistant=1")
    left = {name: process.pid for name, process in run.processes().items()}
    assert left == {name: kept[name] for name in kept if name not in ("assistant.2", "assistant.3")}
    alice = own_suite.person("Alice")
    assert "12" in alice.ask("what is 5 + 7?")

    own_suite.manage("stop")
    assert own_suite.processes() == []


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
