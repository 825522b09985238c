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
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_gated_response,
    make_text_response,
)
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until
from tests.e2e.fault_injection import (
    NO_RATE_LIMITS,
    SERVICES,
    count_restarts_since,
    disable_rate_limits,
    get_restart_counts,
)
from tests.e2e.temporary_records import (
    ModelSpec,
    TemporaryRecords,
    make_model_server,
    temporary_assistant,
)

pytestmark = pytest.mark.e2e

REPLICA_COUNT = 8
CHAT_COUNT = 40
NUMBERS = range(5)
READER_COUNT = 12
MAX_DELAY_SECONDS = 0.4
"""Seconds that the model takes at most."""
SLOW_QUESTION = "slow"


class VariableDelayModel:
    """Takes its time, another one each time; a slow question waits until it is released."""

    def __init__(self) -> None:
        self.release_event = threading.Event()
        self._random = random.Random(5)

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        words = str(request.messages[-1]["content"])
        if SLOW_QUESTION in words:
            return make_gated_response(self.release_event, make_text_response(SLOW_QUESTION))
        time.sleep(self._random.uniform(0, MAX_DELAY_SECONDS))
        number = re.findall(r"number (\d+)", words)[-1]
        return make_text_response(f"number {number}")


def _echo_instructions(request: RecordedRequest) -> ScriptedResponse:
    """A model that says who it is and what it was told to be."""
    return make_text_response(f"{request.body['model']}: {request.messages[0]['content']}")


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    with ScriptedModel(default_step=_echo_instructions) as model:
        yield NO_RATE_LIMITS | {"OPENAI_BASE_URL": model.url}


@pytest.fixture
def replicated_suite(module_suite: SuiteHarness) -> SuiteHarness:
    """With so many assistants, each of them well."""
    module_suite.try_manage("start", "--replicas", f"assistant={REPLICA_COUNT}")
    wait_until(lambda: all(map(_is_healthy, _get_replica_ports(module_suite))), seconds=120)
    disable_rate_limits(module_suite)
    return module_suite


def test_eight_assistants_keep_each_chats_order_and_a_slow_turn_delays_no_other_chat(
    replicated_suite: SuiteHarness,
) -> None:
    uneven = VariableDelayModel()
    with (
        make_model_server(replicated_suite, default_step=uneven.respond) as model,
        temporary_assistant(replicated_suite, ModelSpec("uneven", model.url)) as assistant,
    ):
        before = _count_turns_per_replica(replicated_suite)
        people = [assistant.create_user(f"Person {number}") for number in range(CHAT_COUNT)]
        patient = assistant.create_user("Patient")
        asked = patient.send(SLOW_QUESTION)
        patient.send("number 1")
        with ThreadPoolExecutor(CHAT_COUNT) as threads:
            list(threads.map(_send_all, people))
        wait_until(
            lambda: all(len(_get_bot_texts(one)) >= len(NUMBERS) for one in people), seconds=300
        )
        for person in people:
            assert _get_bot_texts(person) == [f"number {number}" for number in NUMBERS]
        assert _get_bot_texts(patient) == [], "its turn lasted all the while"

        uneven.release_event.set()
        patient.wait_for_message(asked, lambda text: text == "number 1")
        assert _get_bot_texts(patient) == [SLOW_QUESTION, "number 1"]
        turns = [
            now - then
            for now, then in zip(_count_turns_per_replica(replicated_suite), before, strict=True)
        ]
        assert sum(turns) >= CHAT_COUNT * len(NUMBERS) + 2, "more where a turn was tried again"
        assert sum(1 for count in turns if count) > REPLICA_COUNT // 2, "they share the work"


def test_a_change_is_used_in_each_replica_without_a_restart(replicated_suite: SuiteHarness) -> None:
    restarts, before = (
        get_restart_counts(replicated_suite),
        _count_turns_per_replica(replicated_suite),
    )
    people = [replicated_suite.create_user(f"Reader {number}") for number in range(READER_COUNT)]
    secretary = replicated_suite.get_secretary_id()
    (provider,) = replicated_suite.get_json("/providers")["items"]
    with TemporaryRecords(replicated_suite) as records:
        other = {"provider_id": provider["id"], "provider_model_name": "other-model"}
        records.create("/models", **other)
        for change, answer in (
            ({"instructions": "Be brief."}, "gpt-6-luna: Be brief."),
            ({"model": "other-model"}, "other-model: Be brief."),
            ({"model": None, "instructions": "Be kind."}, "gpt-6-luna: Be kind."),
        ):
            records.update(f"/assistants/{secretary}", **change)
            newest = _get_newest_version(replicated_suite, secretary)
            wait_until(lambda: _get_replica_versions(replicated_suite) == {newest})  # noqa: B023 # asked within the loop
            with ThreadPoolExecutor(READER_COUNT) as threads:
                told = list(threads.map(lambda one: one.send_and_wait("Who are you?"), people))
            assert set(told) == {answer}
    turns = [
        now - then
        for now, then in zip(_count_turns_per_replica(replicated_suite), before, strict=True)
    ]
    assert sum(turns) >= 3 * READER_COUNT, "more where a turn was tried again"
    assert count_restarts_since(restarts, replicated_suite) == dict.fromkeys(SERVICES, 0)


def _get_replica_ports(suite: SuiteHarness) -> list[int]:
    """Where each of them answers for itself, see docs/operations.md."""
    first = int(suite.environment["ASSISTANT_PORT"])
    return [first, *(first + 100 * number - 50 for number in range(2, REPLICA_COUNT + 1))]


def _is_healthy(port: int) -> bool:
    return local_http.is_healthy(f"http://127.0.0.1:{port}/health")


def _send_all(person: SandboxUser) -> None:
    for number in NUMBERS:
        person.send(f"number {number}")


def _get_bot_texts(person: SandboxUser) -> list[str]:
    return [one["text"] for one in person.get_messages() if one["from"] == "bot"]


def _count_turns_per_replica(suite: SuiteHarness) -> list[int]:
    done = 'smart_assistant_turns_total{status="done"}'
    return [int(_get_metric(port, done)) for port in _get_replica_ports(suite)]


def _get_replica_versions(suite: SuiteHarness) -> set[float]:
    """The configuration's version, as each replica knows it."""
    name = "smart_assistant_configuration_version"
    return {_get_metric(port, name) for port in _get_replica_ports(suite)}


def _get_newest_version(suite: SuiteHarness, assistant: str) -> float:
    """The same, as the newest version of an assistant tells it."""
    (newest,) = suite.get_json(f"/assistants/{assistant}/versions", limit=1)["items"]
    return float(newest["configuration_version"])


def _get_metric(port: int, name: str) -> float:
    """0 where nothing has been counted yet."""
    text = local_http.get(f"http://127.0.0.1:{port}/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
