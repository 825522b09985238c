"""Start, stop, restart and scaling by `./manage.py`, and a busy port at the start."""

import socket

import pytest

from smart_kit.testing.suite_harness import SuiteHarness
from tests.e2e.fault_injection import get_pids, kill_components, wait_until_healthy

pytestmark = pytest.mark.e2e


def test_stop_ends_all_processes_and_start_resumes_conversations(
    running_suite: SuiteHarness,
) -> None:
    alice = running_suite.create_user("Alice of the teal")
    alice.send_and_wait("My favourite colour is teal")
    seen = alice.get_messages()

    running_suite.manage("stop")
    assert running_suite.find_pids() == []

    started = running_suite.manage("start")
    assert running_suite.url("SANDBOX_PORT", "/?token=") in started
    alice = running_suite.get_or_create_user("Alice of the teal")
    assert alice.get_messages() == seen
    assert "teal" in alice.send_and_wait("What was my previous message?")


def test_a_killed_service_is_started_again_and_answers(running_suite: SuiteHarness) -> None:
    alice = running_suite.create_user("Alice")
    alice.send_and_wait("hi")
    kill_components(running_suite, "assistant", "tg_bot")

    assert alice.send_and_wait("hi", seconds=60)
    wait_until_healthy(running_suite)


def test_replicas_answer_while_one_is_killed_and_survive_a_restart(
    running_suite: SuiteHarness,
) -> None:
    running_suite.manage("start", "--replicas", "assistant=3", "--replicas", "rest_service=2")
    before = get_pids(running_suite)
    assistants = {before[name] for name in ("assistant", "assistant.2", "assistant.3")}
    assert len(assistants) == 3
    assert assistants <= set(running_suite.find_pids())

    killed = ("assistant.2", "rest_service")
    kill_components(running_suite, *killed)
    users = [running_suite.create_user(name) for name in ("Alice", "Bob", "Carol", "Dave")]
    for number, user in enumerate(users):
        assert str(number + 7) in user.send_and_wait(f"what is {number} + 7?", seconds=60)
    wait_until_healthy(running_suite)
    after = get_pids(running_suite)
    assert {name for name in before if after[name] != before[name]} == set(killed)

    running_suite.manage("restart")
    restarted = get_pids(running_suite)
    assert {"assistant.2", "assistant.3", "rest_service.2"} <= set(restarted)
    running_suite.manage("start", "--replicas", "assistant=1")
    assert get_pids(running_suite) == {
        name: restarted[name] for name in restarted if name not in ("assistant.2", "assistant.3")
    }
    assert "12" in running_suite.create_user("Alice").send_and_wait("what is 5 + 7?")

    running_suite.manage("stop")
    assert running_suite.find_pids() == []


def test_start_names_a_busy_port(fresh_suite: SuiteHarness) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(fresh_suite.environment["ASSISTANT_PORT"])))
        listener.listen()
        refused = fresh_suite.try_manage("start")

    assert refused.returncode != 0
    assert fresh_suite.environment["ASSISTANT_PORT"] in refused.stdout
    assert "ASSISTANT_PORT" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert fresh_suite.find_pids() == []
