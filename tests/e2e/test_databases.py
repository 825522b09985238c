"""The suite survives that its databases or rest_service are killed, stopped, emptied or missing."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from control.services import DATABASES
from smart_kit.testing import local_http
from smart_kit.testing.durable_valkey import DurableValkey
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
    wait_until_healthy,
)
from tests.e2e.temporary_records import (
    ModelSpec,
    echo_instructions,
    make_model_server,
    temporary_assistant,
)

pytestmark = pytest.mark.e2e

NO_RESTARTS = dict.fromkeys(SERVICES, 0)
REDIS_DEPENDENT_PORTS = ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT")
"""The services that cannot work without Redis."""


def test_killed_databases_lose_no_message_and_restart_no_service(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    users = [running_suite.create_user(f"User {number}") for number in range(6)]
    for first in (0, 4):
        send_sum_questions(users, range(first, first + 4))
        restarts = get_restart_counts(running_suite)
        kill_components(running_suite, *DATABASES)
        wait_until(lambda earlier=restarts: _are_restarted(running_suite, earlier))  # type: ignore[misc]
    wait_until(lambda: all(len(get_answered_sums(user)) >= 8 for user in users), seconds=60)
    for user in users:
        assert get_answered_sums(user) == list(range(8))
    wait_until_healthy(running_suite)
    assert count_restarts_since(before, running_suite) == NO_RESTARTS


def _are_restarted(suite: SuiteHarness, restarts: Mapping[str, int]) -> bool:
    """Return whether both databases run again.

    A database may restart more than once, while its port or its shared memory is still in use.
    """
    statuses = get_component_statuses(suite)
    return all(
        statuses[name].restarts > restarts[name] and statuses[name].state == "running"
        for name in DATABASES
    )


def test_without_postgres_users_are_answered_and_rest_service_waits(
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
    wait_until_healthy(running_suite)
    since = count_restarts_since(before, running_suite)
    assert since == NO_RESTARTS | {"rest_service": since["rest_service"]}, "an unexpected restart"
    assert "✓" in alice.send_and_wait("remind me in 2 hours to stretch")


def test_without_rest_service_even_a_restarted_assistant_answers(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    with (
        make_model_server(running_suite, default_step=echo_instructions) as model,
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


@pytest.fixture
def stopped_redis() -> Iterator[DurableValkey]:
    """A Redis server that the test starts later."""
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
    """Return whether the service runs and its health check fails."""
    try:
        return local_http.get(suite.url(port, "/health")).status_code == 503
    except httpx2.TransportError:
        return False


def test_after_flushall_redis_is_refilled_and_history_restored(
    running_suite: SuiteHarness,
) -> None:
    before = get_restart_counts(running_suite)
    alice, silent = running_suite.create_user("Alice"), running_suite.create_user("Silent")
    silent.send_and_wait("/start")
    alice.send_and_wait("My favourite colour is teal")
    user_id = running_suite.get_user_id(alice)
    wait_until(lambda: "teal" in str(running_suite.get_json("/turns", user_id=user_id)))
    with connect_redis(running_suite) as redis:
        redis.flushall()

        assert "teal" in alice.send_and_wait("What was my previous message?", seconds=60)
        keys = ("config:snapshot", f"user:{alice.telegram_id}", f"user:{silent.telegram_id}")
        wait_until(lambda: redis.exists(*keys) == len(keys))
    assert "What was my previous message?" in alice.send_and_wait("What was my previous message?")
    wait_until_healthy(running_suite)
    assert count_restarts_since(before, running_suite) == NO_RESTARTS
