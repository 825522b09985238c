"""Eight replicas of the assistant share the conversations, and all follow configuration changes."""

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
"""The longest response time of the model."""
SLOW_QUESTION = "slow"


class VariableDelayModel:
    """Answers after a random delay; a slow question waits until it is released."""

    def __init__(self) -> None:
        self.release_event = threading.Event()
        self._random = random.Random(5)

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        question = str(request.messages[-1]["content"])
        if SLOW_QUESTION in question:
            return make_gated_response(self.release_event, make_text_response(SLOW_QUESTION))
        time.sleep(self._random.uniform(0, MAX_DELAY_SECONDS))
        number = re.findall(r"number (\d+)", question)[-1]
        return make_text_response(f"number {number}")


def _echo_model_and_instructions(request: RecordedRequest) -> ScriptedResponse:
    return make_text_response(f"{request.body['model']}: {request.messages[0]['content']}")


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    with ScriptedModel(default_step=_echo_model_and_instructions) as model:
        yield NO_RATE_LIMITS | {"OPENAI_BASE_URL": model.url}


@pytest.fixture
def replicated_suite(module_suite: SuiteHarness) -> SuiteHarness:
    """`module_suite` with all replicas running and healthy."""
    module_suite.try_manage("start", "--replicas", f"assistant={REPLICA_COUNT}")
    wait_until(lambda: all(map(_is_healthy, _get_replica_ports(module_suite))), seconds=120)
    disable_rate_limits(module_suite)
    return module_suite


def test_replicas_keep_chat_order_and_slow_turns_block_none(
    replicated_suite: SuiteHarness,
) -> None:
    delays = VariableDelayModel()
    with (
        make_model_server(replicated_suite, default_step=delays.respond) as model,
        temporary_assistant(replicated_suite, ModelSpec("delays", model.url)) as assistant,
    ):
        before = _count_turns_per_replica(replicated_suite)
        users = [assistant.create_user(f"User {number}") for number in range(CHAT_COUNT)]
        waiting_user = assistant.create_user("Waiting user")
        question = waiting_user.send(SLOW_QUESTION)
        waiting_user.send("number 1")
        with ThreadPoolExecutor(CHAT_COUNT) as threads:
            list(threads.map(_send_all, users))
        wait_until(
            lambda: all(len(user.get_bot_texts()) >= len(NUMBERS) for user in users), seconds=300
        )
        for user in users:
            assert user.get_bot_texts() == [f"number {number}" for number in NUMBERS]
        assert waiting_user.get_bot_texts() == [], "the slow turn has not ended yet"

        delays.release_event.set()
        waiting_user.wait_for_message(question, lambda text: text == "number 1")
        assert waiting_user.get_bot_texts() == [SLOW_QUESTION, "number 1"]
        turns = _count_turns_since(before, replicated_suite)
        # a turn that was retried counts more than once
        assert sum(turns) >= CHAT_COUNT * len(NUMBERS) + 2
        assert sum(1 for count in turns if count) > REPLICA_COUNT // 2, (
            "some replicas did all turns"
        )


def test_a_change_is_used_in_each_replica_without_a_restart(replicated_suite: SuiteHarness) -> None:
    restarts = get_restart_counts(replicated_suite)
    before = _count_turns_per_replica(replicated_suite)
    users = [replicated_suite.create_user(f"Reader {number}") for number in range(READER_COUNT)]
    secretary = replicated_suite.get_secretary_id()
    (provider,) = replicated_suite.get_json("/providers")["items"]
    with TemporaryRecords(replicated_suite) as records:
        records.create("/models", provider_id=provider["id"], provider_model_name="other-model")
        for change, answer in (
            ({"instructions": "Be brief."}, "gpt-6-luna: Be brief."),
            ({"model": "other-model"}, "other-model: Be brief."),
            ({"model": None, "instructions": "Be kind."}, "gpt-6-luna: Be kind."),
        ):
            records.update(f"/assistants/{secretary}", **change)
            newest = _get_newest_version(replicated_suite, secretary)
            wait_until(lambda: _get_replica_versions(replicated_suite) == {newest})  # noqa: B023 # called within the loop
            with ThreadPoolExecutor(READER_COUNT) as threads:
                answers = threads.map(lambda user: user.send_and_wait("Who are you?"), users)
                assert set(answers) == {answer}
    assert sum(_count_turns_since(before, replicated_suite)) >= 3 * READER_COUNT
    assert count_restarts_since(restarts, replicated_suite) == dict.fromkeys(SERVICES, 0)


def _get_replica_ports(suite: SuiteHarness) -> list[int]:
    """Return the port of each replica, see docs/operations.md."""
    first = int(suite.environment["ASSISTANT_PORT"])
    return [first, *(first + 100 * number - 50 for number in range(2, REPLICA_COUNT + 1))]


def _is_healthy(port: int) -> bool:
    return local_http.is_healthy(f"http://127.0.0.1:{port}/health")


def _send_all(user: SandboxUser) -> None:
    for number in NUMBERS:
        user.send(f"number {number}")


def _count_turns_per_replica(suite: SuiteHarness) -> list[int]:
    name = 'smart_assistant_turns_total{status="done"}'
    return [int(_get_metric(port, name)) for port in _get_replica_ports(suite)]


def _count_turns_since(before: list[int], suite: SuiteHarness) -> list[int]:
    now = _count_turns_per_replica(suite)
    return [after - earlier for after, earlier in zip(now, before, strict=True)]


def _get_replica_versions(suite: SuiteHarness) -> set[float]:
    """Return the versions of the configuration that the replicas use."""
    name = "smart_assistant_configuration_version"
    return {_get_metric(port, name) for port in _get_replica_ports(suite)}


def _get_newest_version(suite: SuiteHarness, assistant: str) -> float:
    """Return the version of the configuration in which the assistant was last changed."""
    (newest,) = suite.get_json(f"/assistants/{assistant}/versions", limit=1)["items"]
    return float(newest["configuration_version"])


def _get_metric(port: int, name: str) -> float:
    """Return the value of a metric; 0 if it does not exist yet."""
    text = local_http.get(f"http://127.0.0.1:{port}/metrics").text
    match = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0.0
