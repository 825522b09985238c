"""Several assistants share the conversations: each keeps its order, none waits for another's."""

import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from smart_kit.testing.ports import is_open
from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, held, says
from smart_kit.testing.suite import Person, Suite, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, lift_limits

pytestmark = pytest.mark.e2e

REPLICAS = 8
CHATS = 40
EACH = range(5)
SLOWEST = 0.4
"""Seconds that the model takes at most."""
SLOW = "slow"


class UnevenModel:
    """Takes its time, another one each time; a slow question waits until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self._chance = random.Random(5)

    def answer(self, asked: Asked) -> Answer:
        words = str(asked.messages[-1]["content"])
        if SLOW in words:
            return held(self.released, says(SLOW))
        time.sleep(self._chance.uniform(0, SLOWEST))
        number = re.findall(r"number (\d+)", words)[-1]
        return says(f"number {number}")


def test_eight_assistants_keep_each_chats_order_and_a_slow_turn_delays_no_other_chat(
    own_suite: Suite,
) -> None:
    uneven = UnevenModel()
    with ScriptedModel(otherwise=uneven.answer) as model:
        own_suite.environment |= NO_RATE_LIMITS | {"OPENAI_BASE_URL": model.url}
        own_suite.try_manage("start", "--replicas", f"assistant={REPLICAS}")
        ports = _ports(own_suite)
        wait_until(lambda: all(map(_is_well, ports)), seconds=120)
        lift_limits(own_suite)

        people = [own_suite.person(f"Person {number}") for number in range(CHATS)]
        patient = own_suite.person("Patient")
        asked = patient.say(SLOW)
        patient.say("number 1")
        with ThreadPoolExecutor(CHATS) as threads:
            list(threads.map(_ask_all, people))
        wait_until(lambda: all(len(_told(one)) >= len(EACH) for one in people), seconds=60)
        for person in people:
            assert _told(person) == [f"number {number}" for number in EACH]
        assert _told(patient) == [], "its turn lasted all the while"

        uneven.released.set()
        patient.wait_for(asked, lambda text: text == "number 1")
        assert _told(patient) == [SLOW, "number 1"]
        turns = [_turns(port) for port in ports]
        assert sum(turns) == CHATS * len(EACH) + 2
        assert sum(1 for count in turns if count) > REPLICAS // 2, "they share the work"


def _ports(suite: Suite) -> list[int]:
    """Where each of them answers for itself, see docs/operations.md."""
    first = int(suite.environment["ASSISTANT_PORT"])
    return [first, *(first + 100 * number - 50 for number in range(2, REPLICAS + 1))]


def _is_well(port: int) -> bool:
    return is_open(port) and httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200


def _ask_all(person: Person) -> None:
    for number in EACH:
        person.say(f"number {number}")


def _told(person: Person) -> list[str]:
    return [one["text"] for one in person.messages() if one["from"] == "bot"]


def _turns(port: int) -> int:
    metrics = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    counted = re.findall(r'^smart_assistant_turns_total\{status="done"\} (\S+)$', metrics, re.M)
    return int(float(counted[0])) if counted else 0
