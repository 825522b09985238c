"""The suite outlives its databases: killed, emptied, or not yet there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from smart_kit.testing.durable_valkey import DurableValkey
from smart_kit.testing.ports import is_open
from smart_kit.testing.servers import PASSWORD
from smart_kit.testing.suite import Suite, wait_until
from tests.e2e.fault_injection import (
    SERVICES,
    kill,
    parts_of,
    redis_of,
    restarts_of,
    send_sums,
    sums_answered,
)

pytestmark = pytest.mark.e2e

NONE_RESTARTED = dict.fromkeys(SERVICES, 0)
NEEDY = ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT")
"""Who does nothing without Redis."""


def test_databases_killed_during_a_chat_cost_nothing_and_no_service_a_restart(
    own_suite: Suite,
) -> None:
    own_suite.manage("start")
    people = [own_suite.person(f"Person {number}") for number in range(6)]
    for restarts in (1, 2):
        send_sums(people, range(4 * restarts - 4, 4 * restarts))
        kill(own_suite, "redis", "postgres")
        for part in ("redis", "postgres"):
            wait_until(lambda it=part, n=restarts: _has_come_back(own_suite, it, n))
    wait_until(lambda: all(len(sums_answered(person)) >= 8 for person in people), seconds=60)
    for person in people:
        assert sums_answered(person) == list(range(8))
    wait_until(lambda: own_suite.try_manage("status").returncode == 0)
    assert restarts_of(own_suite) == NONE_RESTARTED


def _has_come_back(suite: Suite, part: str, restarts: int) -> bool:
    seen = parts_of(suite)[part]
    return seen.restarts == restarts and seen.state == "running"


def test_without_postgres_people_are_answered_and_a_service_that_starts_waits_for_it(
    own_suite: Suite,
) -> None:
    own_suite.manage("start")
    alice = own_suite.person("Alice")
    alice.ask("My favourite colour is teal")
    own_suite.manage("stop", "--service", "postgres")
    kill(own_suite, "rest_service")
    wait_until(lambda: parts_of(own_suite)["rest_service"].restarts == 1)
    wait_until(lambda: _waits(own_suite, "REST_SERVICE_PORT"))

    assert "teal" in alice.ask("What was my previous message?")
    own_suite.try_manage("start", "--service", "postgres")
    wait_until(lambda: own_suite.try_manage("status").returncode == 0)
    assert restarts_of(own_suite) == NONE_RESTARTED | {"rest_service": 1}
    assert "✓" in alice.ask("remind me in 2 hours to stretch")


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
        wait_until(lambda: all(_waits(own_suite, port) for port in NEEDY), seconds=40)
        absent_redis.start()
        started = start.result()
    assert started.returncode == 0, started.stdout
    assert "1001" in own_suite.person("Alice").ask("what is 1 + 1000?")
    assert restarts_of(own_suite) == NONE_RESTARTED


def _waits(suite: Suite, port: str) -> bool:
    """Whether a service is there, and says that it cannot work yet."""
    if not is_open(int(suite.environment[port])):
        return False
    return httpx2.get(suite.url(port, "/health")).status_code == 503


def test_an_emptied_redis_is_filled_again_and_the_conversation_is_remembered(
    own_suite: Suite,
) -> None:
    own_suite.manage("start")
    alice, silent = own_suite.person("Alice"), own_suite.person("Silent")
    silent.ask("/start")
    alice.ask("My favourite colour is teal")
    with own_suite.admin() as admin:
        wait_until(lambda: "teal" in admin.get("/turns").raise_for_status().text)
    with redis_of(own_suite) as redis:
        redis.flushall()

        assert "teal" in alice.ask("What was my previous message?", seconds=60)
        keys = ("config:snapshot", f"user:{alice.telegram_id}", f"user:{silent.telegram_id}")
        wait_until(lambda: redis.exists(*keys) == len(keys))
    assert "What was my previous message?" in alice.ask("What was my previous message?")
    wait_until(lambda: own_suite.try_manage("status").returncode == 0)
    assert restarts_of(own_suite) == NONE_RESTARTED
