"""Everything ends at once, or the supervisor alone; `start` goes on where it was."""

import itertools
import os
import re
import signal
import threading

import pytest

from control.local.run_directory import RunDirectory
from smart_kit.testing.scripted_model import Answer, Asked, held, says
from smart_kit.testing.suite import Suite, wait_until
from tests.e2e.fault_injection import (
    NO_RATE_LIMITS,
    lift_limits,
    parts_of,
    send_sums,
    sums_answered,
    without_repeats,
)
from tests.e2e.own_records import OwnModel, model_server, own_assistant

pytestmark = pytest.mark.e2e

CHATS = 20
EACH = range(5)


class GatedModel:
    """A model that answers a message per chat, and then nothing before it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self._answered = itertools.count(1)

    def answer(self, asked: Asked) -> Answer:
        sum_told = says(_sum(asked))
        return sum_told if next(self._answered) <= CHATS else held(self.opened, sum_told)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return NO_RATE_LIMITS


def _sum(asked: Asked) -> str:
    found = re.findall(r"what is (\d+) \+ 1000", str(asked.messages[-1]["content"]))
    return f"{found[-1]} + 1000 = {int(found[-1]) + 1000}"


def test_a_hundred_messages_on_their_way_through_a_kill_of_everything_are_all_answered_in_order(
    running_suite: Suite,
) -> None:
    """Twice at most what a chat was just being told: Telegram has no idempotency key."""
    gate = GatedModel()
    with (
        model_server(running_suite, otherwise=gate.answer) as model,
        own_assistant(running_suite, OwnModel("gate", model.url)) as assistant,
    ):
        lift_limits(running_suite)
        people = [assistant.newcomer(f"Person {number}") for number in range(CHATS)]
        send_sums(people, EACH)
        wait_until(lambda: len(model.asked) > 1.5 * CHATS)
        for pid in running_suite.processes():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: running_suite.processes() == [])
        gate.opened.set()

        running_suite.manage("start")
        wait_until(lambda: all(set(sums_answered(one)) == set(EACH) for one in people), seconds=90)
    for person in people:
        chat = sums_answered(person)
        assert without_repeats(chat) == list(EACH)
        assert len(chat) <= len(EACH) + 1, "one message of a chat is being sent at a time"
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    running_suite.check_calls()


def test_without_its_supervisor_the_suite_goes_on_and_start_takes_over(
    running_suite: Suite,
) -> None:
    alice = running_suite.newcomer("Alice")
    run = RunDirectory(running_suite.state_dir)
    supervisor = run.supervisor()
    assert supervisor is not None
    before = {name: process.pid for name, process in run.processes().items()}
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: run.supervisor() is None)

    alice.ask("My favourite colour is teal")
    assert {name: process.pid for name, process in run.processes().items()} == before
    on_its_way = alice.say("what is 1 + 1000?")
    running_suite.manage("start")

    alice.wait_for(on_its_way, lambda text: "1001" in text, seconds=60)
    chat = sums_answered(alice)
    assert without_repeats(chat) == [1]
    assert len(chat) <= 2, "start kills a part that does not end in time: it may have been sending"
    assert all(part.restarts == 0 for part in parts_of(running_suite).values())
    assert not {process.pid for process in run.processes().values()} & set(before.values())
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
