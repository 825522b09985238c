"""Several assistants share the conversations: each keeps its order, none waits for another's."""

import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from control.local.run_directory import RunDirectory
from smart_kit.testing.models import Answer, Asked, ScriptedModel, held, says
from smart_kit.testing.ports import free_port, is_open
from smart_kit.testing.suite import ROOT, Person, Suite, wait_until
from tests.e2e.harm import UNPACED, lift_limits

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


@contextmanager
def replica(suite: Suite) -> Iterator[int]:
    """One more assistant like the suite's own; its port."""
    original = Path(f"/proc/{RunDirectory(suite.state_dir).processes()['assistant'].pid}")
    words = (original / "cmdline").read_text().rstrip("\0").split("\0")
    lines = (original / "environ").read_text().rstrip("\0").split("\0")
    port = free_port()
    environ = dict(line.split("=", 1) for line in lines) | {"ASSISTANT_PORT": str(port)}
    log = suite.state_dir / "logs" / f"assistant-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(words, env=environ, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_eight_assistants_keep_each_chats_order_and_a_slow_turn_delays_no_other_chat(
    own_suite: Suite,
) -> None:
    uneven = UnevenModel()
    with ExitStack() as stack:
        model = stack.enter_context(ScriptedModel(otherwise=uneven.answer))
        own_suite.environment |= UNPACED | {"OPENAI_BASE_URL": model.url}
        own_suite.manage("start")
        lift_limits(own_suite)
        ports = [stack.enter_context(replica(own_suite)) for _ in range(REPLICAS - 1)]
        ports.append(int(own_suite.environment["ASSISTANT_PORT"]))
        wait_until(lambda: all(map(_is_well, ports)), seconds=90)

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
