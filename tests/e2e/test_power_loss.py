"""All processes or only the supervisor are killed; `start` resumes where they were."""

import itertools
import os
import re
import signal
import threading

import pytest

from control.local.run_directory import RunDirectory
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedResponse,
    make_gated_response,
    make_text_response,
)
from smart_kit.testing.suite_harness import SuiteHarness, wait_until
from tests.e2e.fault_injection import (
    NO_RATE_LIMITS,
    collapse_repeats,
    disable_rate_limits,
    get_answered_sums,
    get_component_statuses,
    get_pids,
    send_sum_questions,
    wait_until_healthy,
)
from tests.e2e.temporary_records import ModelSpec, make_model_server, temporary_assistant

pytestmark = pytest.mark.e2e

CHAT_COUNT = 20
NUMBERS = range(5)


class GatedModel:
    """A model that answers one request per chat, and holds back the others until it is opened."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self._request_numbers = itertools.count(1)

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        response = make_text_response(_make_sum_answer(request))
        if next(self._request_numbers) <= CHAT_COUNT:
            return response
        return make_gated_response(self.is_open, response)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return NO_RATE_LIMITS


def _make_sum_answer(request: RecordedRequest) -> str:
    found = re.findall(r"what is (\d+) \+ 1000", str(request.messages[-1]["content"]))
    return f"{found[-1]} + 1000 = {int(found[-1]) + 1000}"


def test_a_hundred_messages_survive_a_total_kill_in_order(
    running_suite: SuiteHarness,
) -> None:
    """One duplicate per chat is allowed, because Telegram has no idempotency key."""
    gate = GatedModel()
    with (
        make_model_server(running_suite, default_step=gate.respond) as model,
        temporary_assistant(running_suite, ModelSpec("gate", model.url)) as assistant,
    ):
        disable_rate_limits(running_suite)
        users = [assistant.create_user(f"User {number}") for number in range(CHAT_COUNT)]
        send_sum_questions(users, NUMBERS)
        wait_until(lambda: len(model.requests) > 1.5 * CHAT_COUNT)
        for pid in running_suite.find_pids():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: running_suite.find_pids() == [])
        gate.is_open.set()

        running_suite.manage("start")
        wait_until(
            lambda: all(set(get_answered_sums(user)) == set(NUMBERS) for user in users), seconds=90
        )
    for user in users:
        answered = get_answered_sums(user)
        assert collapse_repeats(answered) == list(NUMBERS)
        assert len(answered) <= len(NUMBERS) + 1, "more than one duplicate in a chat"
    wait_until_healthy(running_suite)
    running_suite.assert_no_api_violations()


def test_without_its_supervisor_the_suite_works_and_start_takes_over(
    running_suite: SuiteHarness,
) -> None:
    alice = running_suite.create_user("Alice")
    run = RunDirectory(running_suite.state_dir)
    supervisor = run.find_supervisor()
    assert supervisor is not None
    before = get_pids(running_suite)
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: run.find_supervisor() is None)

    alice.send_and_wait("My favourite colour is teal")
    assert get_pids(running_suite) == before
    question = alice.send("what is 1 + 1000?")
    running_suite.manage("start")

    alice.wait_for_message(question, lambda text: "1001" in text, seconds=60)
    answered = get_answered_sums(alice)
    assert collapse_repeats(answered) == [1]
    # start kills a component that does not stop in time, which may cause a duplicate
    assert len(answered) <= 2
    assert all(status.restarts == 0 for status in get_component_statuses(running_suite).values())
    assert not set(get_pids(running_suite).values()) & set(before.values())
    wait_until_healthy(running_suite)
