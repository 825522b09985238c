"""Several assistants share the conversations: each keeps its order, none waits for another's.

What an administrator changes is used by each of them, without a restart.
"""

import random
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from smart_kit.testing import local_http
from smart_kit.testing.scripted_model import Answer, Asked, ScriptedModel, held, says
from smart_kit.testing.suite import Person, Suite, wait_until
from tests.e2e.fault_injection import (
    NO_RATE_LIMITS,
    SERVICES,
    lift_limits,
    restarts_of,
    restarts_since,
)
from tests.e2e.own_records import OwnModel, OwnRecords, model_server, own_assistant

pytestmark = pytest.mark.e2e

REPLICAS = 8
CHATS = 40
EACH = range(5)
READERS = 12
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


def _mirror(asked: Asked) -> Answer:
    """A model that says who it is and what it was told to be."""
    return says(f"{asked.body['model']}: {asked.messages[0]['content']}")


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    with ScriptedModel(otherwise=_mirror) as model:
        yield NO_RATE_LIMITS | {"OPENAI_BASE_URL": model.url}


@pytest.fixture
def replicated(module_suite: Suite) -> Suite:
    """With so many assistants, each of them well."""
    module_suite.try_manage("start", "--replicas", f"assistant={REPLICAS}")
    wait_until(lambda: all(map(_is_well, _ports(module_suite))), seconds=120)
    lift_limits(module_suite)
    return module_suite


def test_eight_assistants_keep_each_chats_order_and_a_slow_turn_delays_no_other_chat(
    replicated: Suite,
) -> None:
    uneven = UnevenModel()
    with (
        model_server(replicated, otherwise=uneven.answer) as model,
        own_assistant(replicated, OwnModel("uneven", model.url)) as assistant,
    ):
        before = _turns_of_each(replicated)
        people = [assistant.newcomer(f"Person {number}") for number in range(CHATS)]
        patient = assistant.newcomer("Patient")
        asked = patient.say(SLOW)
        patient.say("number 1")
        with ThreadPoolExecutor(CHATS) as threads:
            list(threads.map(_ask_all, people))
        wait_until(lambda: all(len(_told(one)) >= len(EACH) for one in people), seconds=300)
        for person in people:
            assert _told(person) == [f"number {number}" for number in EACH]
        assert _told(patient) == [], "its turn lasted all the while"

        uneven.released.set()
        patient.wait_for(asked, lambda text: text == "number 1")
        assert _told(patient) == [SLOW, "number 1"]
        turns = [now - then for now, then in zip(_turns_of_each(replicated), before, strict=True)]
        assert sum(turns) >= CHATS * len(EACH) + 2, "more where a turn was tried again"
        assert sum(1 for count in turns if count) > REPLICAS // 2, "they share the work"


def test_a_change_is_used_in_each_replica_without_a_restart(replicated: Suite) -> None:
    restarts, before = restarts_of(replicated), _turns_of_each(replicated)
    people = [replicated.newcomer(f"Reader {number}") for number in range(READERS)]
    secretary = replicated.secretary()
    (provider,) = replicated.read("/providers")["items"]
    with OwnRecords(replicated) as records:
        other = {"provider_id": provider["id"], "provider_model_name": "other-model"}
        records.make("/models", **other)
        for change, answer in (
            ({"instructions": "Be brief."}, "gpt-6-luna: Be brief."),
            ({"model": "other-model"}, "other-model: Be brief."),
            ({"model": None, "instructions": "Be kind."}, "gpt-6-luna: Be kind."),
        ):
            records.change(f"/assistants/{secretary}", **change)
            newest = _newest_version(replicated, secretary)
            wait_until(lambda: _versions_of_each(replicated) == {newest})  # noqa: B023 # asked within the loop
            with ThreadPoolExecutor(READERS) as threads:
                told = list(threads.map(lambda one: one.ask("Who are you?"), people))
            assert set(told) == {answer}
    turns = [now - then for now, then in zip(_turns_of_each(replicated), before, strict=True)]
    assert sum(turns) >= 3 * READERS, "more where a turn was tried again"
    assert restarts_since(restarts, replicated) == dict.fromkeys(SERVICES, 0)


def _ports(suite: Suite) -> list[int]:
    """Where each of them answers for itself, see docs/operations.md."""
    first = int(suite.environment["ASSISTANT_PORT"])
    return [first, *(first + 100 * number - 50 for number in range(2, REPLICAS + 1))]


def _is_well(port: int) -> bool:
    return local_http.is_well(f"http://127.0.0.1:{port}/health")


def _ask_all(person: Person) -> None:
    for number in EACH:
        person.say(f"number {number}")


def _told(person: Person) -> list[str]:
    return [one["text"] for one in person.messages() if one["from"] == "bot"]


def _turns_of_each(suite: Suite) -> list[int]:
    done = 'smart_assistant_turns_total{status="done"}'
    return [int(_metric(port, done)) for port in _ports(suite)]


def _versions_of_each(suite: Suite) -> set[float]:
    """The configuration's version, as each replica knows it."""
    name = "smart_assistant_configuration_version"
    return {_metric(port, name) for port in _ports(suite)}


def _newest_version(suite: Suite, assistant: str) -> float:
    """The same, as the newest version of an assistant tells it."""
    (newest,) = suite.read(f"/assistants/{assistant}/versions", limit=1)["items"]
    return float(newest["configuration_version"])


def _metric(port: int, name: str) -> float:
    """0 where nothing has been counted yet."""
    text = local_http.get(f"http://127.0.0.1:{port}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
