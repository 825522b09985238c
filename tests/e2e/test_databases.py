"""The suite outlives its databases and rest_service: killed, emptied, stopped, not yet there."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from control.services import DATABASES
from smart_kit.testing import local_http
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.scripted_model import RecordedRequest, ScriptedResponse, make_text_response
from smart_kit.testing.servers import PASSWORD
from smart_kit.testing.suite_harness import SuiteHarness, wait_until
from tests.e2e.fault_injection import (
    SERVICES,
    connect_redis,
    count_restarts_since,
    get_answered_sums,
    get_component_statuses,
    get_restart_counts,
    kill_components,
    send_sum_questions,
)
from tests.e2e.temporary_records import ModelSpec, make_model_server, temporary_assistant

pytestmark = pytest.mark.e2e

NO_RESTARTS = dict.fromkeys(SERVICES, 0)
REDIS_DEPENDENT_PORTS = ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT")
"""Who does nothing without Redis."""


def test_databases_killed_during_a_chat_cost_nothing_and_no_service_a_restart(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    people = [running_suite.create_user(f"Person {number}") for number in range(6)]
    for first in (0, 4):
        send_sum_questions(people, range(first, first + 4))
        lived = get_restart_counts(running_suite)
        kill_components(running_suite, *DATABASES)
        wait_until(lambda was=lived: _are_restarted(running_suite, was))  # type: ignore[misc]
    wait_until(lambda: all(len(get_answered_sums(person)) >= 8 for person in people), seconds=60)
    for person in people:
        assert get_answered_sums(person) == list(range(8))
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    assert count_restarts_since(before, running_suite) == NO_RESTARTS


def _are_restarted(suite: SuiteHarness, restarts: Mapping[str, int]) -> bool:
    """Whether both run again. One that finds its port or its memory still in use ends once more."""
    seen = get_component_statuses(suite)
    return all(
        seen[part].restarts > restarts[part] and seen[part].state == "running" for part in DATABASES
    )


def test_without_postgres_people_are_answered_and_a_service_that_starts_waits_for_it(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    alice = running_suite.create_user("Alice")
    alice.send_and_wait("My favourite colour is teal")
    running_suite.manage("stop", "--service", "postgres")
    kill_components(running_suite, "rest_service")
    wait_until(lambda: count_restarts_since(before, running_suite)["rest_service"] >= 1)
    wait_until(lambda: _is_unhealthy(running_suite, "REST_SERVICE_PORT"))

    assert "teal" in alice.send_and_wait("What was my previous message?")
    running_suite.try_manage("start", "--service", "postgres")
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    since = count_restarts_since(before, running_suite)
    assert since == NO_RESTARTS | {"rest_service": since["rest_service"]}, "only who was killed"
    assert "✓" in alice.send_and_wait("remind me in 2 hours to stretch")


def test_without_rest_service_people_are_answered_also_by_an_assistant_that_starts_meanwhile(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    with (
        make_model_server(running_suite, default_step=_echo_instructions) as model,
        temporary_assistant(running_suite, ModelSpec("mirror", model.url)) as assistant,
    ):
        assistant.update(instructions="Be brief.")
        alice = assistant.create_user("Alice")
        assert alice.send_and_wait("Hello") == "Be brief."
        running_suite.manage("stop", "--service", "rest_service")

        assert alice.send_and_wait("Hello again") == "Be brief."
        kill_components(running_suite, "assistant")
        wait_until(lambda: count_restarts_since(before, running_suite)["assistant"] >= 1)
        assert alice.send_and_wait("Still there?", seconds=90) == "Be brief."
        running_suite.manage("start")


def _echo_instructions(request: RecordedRequest) -> ScriptedResponse:
    """A model that says what it was told to be."""
    return make_text_response(request.messages[0]["content"])


@pytest.fixture
def stopped_redis() -> Iterator[DurableValkey]:
    """Not started yet."""
    valkey = DurableValkey()
    yield valkey
    valkey.remove()


def test_services_that_start_before_their_redis_wait_for_it(
    fresh_suite: SuiteHarness, stopped_redis: DurableValkey
) -> None:
    fresh_suite.environment |= {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(stopped_redis.port),
        "REDIS_PASSWORD": PASSWORD,
    }
    with ThreadPoolExecutor(1) as threads:
        start = threads.submit(fresh_suite.try_manage, "start")
        wait_until(lambda: all(_is_unhealthy(fresh_suite, port) for port in REDIS_DEPENDENT_PORTS))
        stopped_redis.start()
        started = start.result()
    assert started.returncode == 0, started.stdout
    assert "1001" in fresh_suite.create_user("Alice").send_and_wait("what is 1 + 1000?")
    assert count_restarts_since({}, fresh_suite) == NO_RESTARTS


def _is_unhealthy(suite: SuiteHarness, port: str) -> bool:
    """Whether a service is there, and says that it cannot work yet."""
    try:
        return local_http.get(suite.url(port, "/health")).status_code == 503
    except httpx2.TransportError:
        return False


def test_an_emptied_redis_is_filled_again_and_the_conversation_is_remembered(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    alice, silent = running_suite.create_user("Alice"), running_suite.create_user("Silent")
    silent.send_and_wait("/start")
    alice.send_and_wait("My favourite colour is teal")
    user = running_suite.get_user_id(alice)
    wait_until(lambda: "teal" in str(running_suite.get_json("/turns", user_id=user)))
    with connect_redis(running_suite) as redis:
        redis.flushall()

        assert "teal" in alice.send_and_wait("What was my previous message?", seconds=60)
        keys = ("config:snapshot", f"user:{alice.telegram_id}", f"user:{silent.telegram_id}")
        wait_until(lambda: redis.exists(*keys) == len(keys))
    assert "What was my previous message?" in alice.send_and_wait("What was my previous message?")
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    assert count_restarts_since(before, running_suite) == NO_RESTARTS
