"""Several processes of a service: real processes, driven as an operator does."""

import http.client
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from control.context import Context
from control.local import suite_changes
from control.local.run_directory import DesiredState
from control.local.suite import Suite
from control.tests.fake_suite import FakeSuite
from smart_kit.testing import local_http
from smart_kit.testing.suite_harness import wait_until

REPLICAS = ("rest_service", "rest_service.2", "rest_service.3")


def pids(suite: FakeSuite) -> dict[str, int]:
    """Return the processes of all components, without the supervisor."""
    return {name: part.pid for name, part in suite.run_directory.read_status().items() if part.pid}


def find_other_pids(suite: FakeSuite) -> dict[str, int]:
    return {name: pid for name, pid in pids(suite).items() if not name.startswith("rest_service")}


def process_port(suite: FakeSuite, number: int) -> int:
    """Return the port at which only this replica listens."""
    return int(suite.environment["REST_SERVICE_PORT"]) + 100 * number - 50


@pytest.fixture
def three_replicas(suite: FakeSuite) -> FakeSuite:
    output = suite.manage("start", "--replicas", "rest_service=3")
    assert all(f"✓ {name} " in output for name in REPLICAS)
    return suite


def test_killed_replica_restarts_while_the_others_run(
    three_replicas: FakeSuite,
) -> None:
    before = pids(three_replicas)
    assert len({before[name] for name in REPLICAS}) == 3
    os.kill(before["rest_service.2"], signal.SIGKILL)
    wait_until(lambda: three_replicas.component_status("rest_service.2").restarts == 1)
    wait_until(lambda: three_replicas.component_status("rest_service.2").state == "running")
    after = pids(three_replicas)
    assert after.pop("rest_service.2") != before.pop("rest_service.2")
    assert after == before


def test_each_replica_has_its_own_health(
    three_replicas: FakeSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspended = process_port(three_replicas, 2)

    class Connection(http.client.HTTPConnection):
        """Waits for every replica but the unavailable one."""

        def __init__(self, host: str, port: int, timeout: float) -> None:
            super().__init__(host, port, timeout=0.1 if port == suspended else timeout)

    monkeypatch.setattr(http.client, "HTTPConnection", Connection)
    os.kill(three_replicas.pid("rest_service.2"), signal.SIGSTOP)
    try:
        output = three_replicas.manage("status", "--service", "rest_service", status=1).splitlines()
    finally:
        os.kill(three_replicas.pid("rest_service.2"), signal.SIGCONT)
    health = {line.split()[0]: line.split("  ")[-1].strip() for line in output[1:]}
    assert health.pop("rest_service.2").startswith("does not answer on port")
    assert health == {"rest_service": "ok", "rest_service.3": "ok"}


def test_restart_and_later_start_preserve_the_count(three_replicas: FakeSuite) -> None:
    three_replicas.manage("restart")
    assert set(REPLICAS) <= set(pids(three_replicas))
    three_replicas.manage("stop")
    assert three_replicas.processes() == []
    three_replicas.manage("start")
    assert set(REPLICAS) <= set(pids(three_replicas))


def test_start_with_another_count_changes_only_replicas(
    three_replicas: FakeSuite,
) -> None:
    first, rest = three_replicas.pid("rest_service"), find_other_pids(three_replicas)
    ended = [three_replicas.run_directory.find_processes()[name] for name in REPLICAS[1:]]

    three_replicas.manage("start", "--replicas", "rest_service=1")
    assert not any(process.is_alive for process in ended)
    assert three_replicas.pid("rest_service") == first
    assert set(three_replicas.run_directory.read_status()) & set(REPLICAS) == {"rest_service"}
    assert "rest_service.2" not in three_replicas.manage("status")

    assert "✓ rest_service.3" in three_replicas.manage("start", "--replicas", "rest_service=3")
    assert three_replicas.pid("rest_service") == first
    assert set(REPLICAS) <= set(pids(three_replicas))
    assert find_other_pids(three_replicas) == rest
    three_replicas.manage("status")


def test_service_name_selects_all_its_replicas(three_replicas: FakeSuite) -> None:
    before = pids(three_replicas)
    three_replicas.manage("restart", "--service", "rest_service")
    after = pids(three_replicas)
    assert all(after[name] != before[name] for name in REPLICAS)
    assert after["tg_bot"] == before["tg_bot"]

    three_replicas.manage("stop", "--service", "rest_service")
    assert [three_replicas.component_status(name).state for name in REPLICAS] == ["stopped"] * 3
    three_replicas.manage("start", "--service", "rest_service")
    assert set(REPLICAS) <= set(pids(three_replicas))
    output = three_replicas.manage("logs", "--service", "rest_service")
    assert {line.split(" ")[0] for line in output.splitlines()} == set(REPLICAS)


def test_replicas_restart_one_at_a_time(
    three_replicas: FakeSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(three_replicas)
    seen: list[tuple[list[str], list[str], list[str]]] = []
    change = suite_changes.update_desired_states

    def watched(context: Context, suite: Suite, changed: Mapping[str, DesiredState]) -> None:
        now = pids(three_replicas)
        fresh = [name for name in REPLICAS if now.get(name) != before[name]]
        seen.append((list(changed), fresh, find_unavailable_replicas(three_replicas)))
        change(context, suite, changed)

    monkeypatch.setattr(suite_changes, "update_desired_states", watched)
    three_replicas.manage("restart", "--service", "rest_service")
    assert seen == [([name], list(REPLICAS[:number]), []) for number, name in enumerate(REPLICAS)]
    assert find_unavailable_replicas(three_replicas) == []
    after = pids(three_replicas)
    assert all(after[name] != before[name] for name in REPLICAS)


def find_unavailable_replicas(suite: FakeSuite) -> list[str]:
    """Return the replicas that do not serve, or that are to be ended and still run."""
    desired, status = suite.run_directory.read_desired_states(), suite.run_directory.read_status()
    return [
        name
        for number, name in enumerate(REPLICAS, 1)
        if status[name].generation != desired[name].generation
        or not local_http.is_healthy(f"http://127.0.0.1:{process_port(suite, number)}/health")
    ]


def test_unhealthy_replica_stops_the_rolling_restart(
    three_replicas: FakeSuite,
) -> None:
    before = pids(three_replicas)
    three_replicas.environment["DEFAULT_MODEL"] = "unhealthy"
    output = three_replicas.manage("restart", "--service", "rest_service", status=1)
    assert "left unchanged: rest_service.2, rest_service.3" in output
    after = pids(three_replicas)
    assert [after[name] == before[name] for name in REPLICAS] == [False, True, True]


def test_orphaned_replicas_are_taken_over(
    three_replicas: FakeSuite,
) -> None:
    before = three_replicas.processes()
    supervisor = three_replicas.run_directory.find_supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: three_replicas.run_directory.find_supervisor() is None)
    three_replicas.manage("start")
    assert not any(process.is_alive for process in before)
    assert set(REPLICAS) <= set(pids(three_replicas))


def test_replica_with_busy_port_changes_nothing(suite: FakeSuite) -> None:
    suite.manage("start")
    before = pids(suite)
    with socket.socket() as squatter:
        port = int(suite.environment["REST_SERVICE_PORT"]) + 150
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        output = suite.manage("start", "--replicas", "rest_service=2", status=1)
    assert f"port {port}, where rest_service.2 would listen, is in use" in output
    assert pids(suite) == before
    assert "rest_service.2" not in suite.manage("status")


def test_second_suite_at_a_shared_port_is_refused(three_replicas: FakeSuite, home: Path) -> None:
    other = FakeSuite(home)
    shared = {"REST_SERVICE_PORT": three_replicas.environment["REST_SERVICE_PORT"]}
    other.environment |= {"STATE_DIR": str(home / "other"), **shared}
    output = other.manage("start", status=1)
    assert (
        f"port {shared['REST_SERVICE_PORT']}, where rest_service would listen, is in use" in output
    )


def test_service_restart_applies_current_settings_to_that_service_only(
    three_replicas: FakeSuite, home: Path
) -> None:
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    three_replicas.environment["DEFAULT_MODEL"] = "another"
    three_replicas.manage("restart", "--service", "rest_service")
    for number in (1, 2, 3):
        seen = three_replicas.fetch_environment("REST_SERVICE_PORT", offset=100 * number - 50)
        assert (seen["LOG_LEVEL"], seen["DEFAULT_MODEL"]) == ("DEBUG", "another")
    assert "LOG_LEVEL" not in three_replicas.fetch_environment("TG_BOT_PORT")

    os.kill(three_replicas.pid("rest_service"), signal.SIGKILL)
    wait_until(lambda: three_replicas.component_status("rest_service").restarts == 1)
    wait_until(lambda: three_replicas.component_status("rest_service").state == "running")
    three_replicas.manage("start")
    assert three_replicas.fetch_environment("REST_SERVICE_PORT", offset=50)["LOG_LEVEL"] == "DEBUG"


def test_stopped_service_starts_with_current_settings(suite: FakeSuite, home: Path) -> None:
    suite.manage("start")
    suite.manage("stop", "--service", "tg_bot")
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    suite.manage("start", "--service", "tg_bot")
    assert suite.fetch_environment("TG_BOT_PORT")["LOG_LEVEL"] == "DEBUG"


def test_service_restart_with_broken_settings_stops_nothing(suite: FakeSuite, home: Path) -> None:
    suite.manage("start")
    before = pids(suite)
    (home / ".env").write_text("TELEGRAM_TOKEN=hunter2\n")
    output = suite.manage("restart", "--service", "tg_bot", status=1)
    assert "TELEGRAM_TOKEN is not a bot's token" in output
    assert pids(suite) == before


def test_environment_of_a_command_is_not_stored(suite: FakeSuite) -> None:
    suite.manage("start")
    suite.environment["GOOGLE_CLIENT_SECRET"] = "of-the-operator"
    suite.manage("restart", "--service", "tg_bot")
    files = [path for path in suite.run_directory.path.iterdir() if path.is_file()]
    assert files
    assert not any("of-the-operator" in path.read_text() for path in files)
