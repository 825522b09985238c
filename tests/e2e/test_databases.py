"""The suite outlives its databases and rest_service: killed, emptied, stopped, not yet there."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from control.services import DATABASES
from smart_kit.testing import local_http
from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.scripted_model import Answer, Asked, says
from smart_kit.testing.servers import PASSWORD
from smart_kit.testing.suite import Suite, wait_until
from tests.e2e.fault_injection import (
    SERVICES,
    kill,
    parts_of,
    redis_of,
    restarts_of,
    restarts_since,
    send_sums,
    sums_answered,
)
from tests.e2e.own_records import OwnModel, model_server, own_assistant

pytestmark = pytest.mark.e2e

NONE_RESTARTED = dict.fromkeys(SERVICES, 0)
NEEDY = ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT")
"""Who does nothing without Redis."""


def test_databases_killed_during_a_chat_cost_nothing_and_no_service_a_restart(
    running_suite: Suite,
) -> None:
    before = restarts_of(running_suite)
    people = [running_suite.newcomer(f"Person {number}") for number in range(6)]
    for first in (0, 4):
        send_sums(people, range(first, first + 4))
        lived = restarts_of(running_suite)
        kill(running_suite, *DATABASES)
        wait_until(lambda was=lived: _have_come_back(running_suite, was))  # type: ignore[misc]
    wait_until(lambda: all(len(sums_answered(person)) >= 8 for person in people), seconds=60)
    for person in people:
        assert sums_answered(person) == list(range(8))
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    assert restarts_since(before, running_suite) == NONE_RESTARTED


def _have_come_back(suite: Suite, restarts: Mapping[str, int]) -> bool:
    """Whether both run again. One that finds its port or its memory still in use ends once more."""
    seen = parts_of(suite)
    return all(
        seen[part].restarts > restarts[part] and seen[part].state == "running" for part in DATABASES
    )


def test_without_postgres_people_are_answered_and_a_service_that_starts_waits_for_it(
    running_suite: Suite,
) -> None:
    before = restarts_of(running_suite)
    alice = running_suite.newcomer("Alice")
    alice.ask("My favourite colour is teal")
    running_suite.manage("stop", "--service", "postgres")
    kill(running_suite, "rest_service")
    wait_until(lambda: restarts_since(before, running_suite)["rest_service"] >= 1)
    wait_until(lambda: _waits(running_suite, "REST_SERVICE_PORT"))

    assert "teal" in alice.ask("What was my previous message?")
    running_suite.try_manage("start", "--service", "postgres")
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    since = restarts_since(before, running_suite)
    assert since == NONE_RESTARTED | {"rest_service": since["rest_service"]}, "only who was killed"
    assert "✓" in alice.ask("remind me in 2 hours to stretch")


def test_without_rest_service_people_are_answered_also_by_an_assistant_that_starts_meanwhile(
    running_suite: Suite,
) -> None:
    before = restarts_of(running_suite)
    with (
        model_server(running_suite, otherwise=_mirror) as model,
        own_assistant(running_suite, OwnModel("mirror", model.url)) as assistant,
    ):
        assistant.change(instructions="Be brief.")
        alice = assistant.newcomer("Alice")
        assert alice.ask("Hello") == "Be brief."
        running_suite.manage("stop", "--service", "rest_service")

        assert alice.ask("Hello again") == "Be brief."
        kill(running_suite, "assistant")
        wait_until(lambda: restarts_since(before, running_suite)["assistant"] >= 1)
        assert alice.ask("Still there?", seconds=90) == "Be brief."
        running_suite.manage("start")


def _mirror(asked: Asked) -> Answer:
    """A model that says what it was told to be."""
    return says(asked.messages[0]["content"])


@pytest.fixture
def absent_redis() -> Iterator[DurableValkey]:
    """Not started yet."""
    valkey = DurableValkey()
    yield valkey
    valkey.remove()


def test_services_that_start_before_their_redis_wait_for_it(
    own_suite: Suite, absent_redis: DurableValkey
) -> None:
    own_suite.environment |= {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(absent_redis.port),
        "REDIS_PASSWORD": PASSWORD,
    }
    with ThreadPoolExecutor(1) as threads:
        start = threads.submit(own_suite.try_manage, "start")
        wait_until(lambda: all(_waits(own_suite, port) for port in NEEDY))
        absent_redis.start()
        started = start.result()
    assert started.returncode == 0, started.stdout
    assert "1001" in own_suite.newcomer("Alice").ask("what is 1 + 1000?")
    assert restarts_since({}, own_suite) == NONE_RESTARTED


def _waits(suite: Suite, port: str) -> bool:
    """Whether a service is there, and says that it cannot work yet."""
    try:
        return local_http.get(suite.url(port, "/health")).status_code == 503
    except httpx2.TransportError:
        return False


def test_an_emptied_redis_is_filled_again_and_the_conversation_is_remembered(
    running_suite: Suite,
) -> None:
    before = restarts_of(running_suite)
    alice, silent = running_suite.newcomer("Alice"), running_suite.newcomer("Silent")
    silent.ask("/start")
    alice.ask("My favourite colour is teal")
    user = running_suite.user_id(alice)
    wait_until(lambda: "teal" in str(running_suite.read("/turns", user_id=user)))
    with redis_of(running_suite) as redis:
        redis.flushall()

        assert "teal" in alice.ask("What was my previous message?", seconds=60)
        keys = ("config:snapshot", f"user:{alice.telegram_id}", f"user:{silent.telegram_id}")
        wait_until(lambda: redis.exists(*keys) == len(keys))
    assert "What was my previous message?" in alice.ask("What was my previous message?")
    wait_until(lambda: running_suite.try_manage("status").returncode == 0)
    assert restarts_since(before, running_suite) == NONE_RESTARTED
