"""Real processes, real databases, fake services, driven as an operator does."""

import os
import signal
from pathlib import Path

import pytest
import redis

from control.local import valkey
from control.local.process import Process
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite_harness import wait_until

ALL = {"postgres", "redis", "migrate", "rest_service", "tg_bot", "sandbox"}


def are_gone(processes: list[Process]) -> bool:
    return not any(process.is_alive for process in processes)


def test_start_shows_components_and_urls_and_stop_ends_everything(
    suite_with_postgres: FakeSuite,
) -> None:
    output = suite_with_postgres.manage("start")
    assert all(f"✓ {name}" in output for name in ALL)
    assert f"http://127.0.0.1:{suite_with_postgres.environment['SANDBOX_PORT']}/?token=" in output
    assert f"http://127.0.0.1:{suite_with_postgres.environment['REST_SERVICE_PORT']}/docs" in output
    assert "state/logs" in output

    running = suite_with_postgres.processes()
    assert len(running) == 6
    assert suite_with_postgres.manage("status").count(" ok") == 5
    suite_with_postgres.manage("stop")
    assert are_gone(running)
    assert (
        "database system is shut down"
        in suite_with_postgres.run_directory.log_file("postgres").read_text()
    )
    assert "not running" in suite_with_postgres.manage("status", status=1)
    assert suite_with_postgres.manage("stop") == "Nothing runs.\n"


def test_second_start_starts_only_missing_components(suite: FakeSuite) -> None:
    suite.manage("start")
    suite.manage("stop", "--service", "tg_bot")
    assert suite.component_status("tg_bot").state == "stopped"
    rest = suite.pid("rest_service")
    suite.manage("status", status=1)

    output = suite.manage("start")
    assert "The suite is already running." in output
    assert "✓ tg_bot" in output
    assert suite.pid("rest_service") == rest


def test_acknowledged_writes_survive_a_stop_and_a_crash(suite: FakeSuite) -> None:
    suite.manage("start")
    run_redis_command(suite, "SET", "stored", "1")
    os.kill(suite.pid("redis"), signal.SIGKILL)
    wait_until(
        lambda: (
            suite.component_status("redis").restarts == 1
            and suite.component_status("redis").pid is not None
        )
    )
    wait_until(lambda: suite.component_status("redis").state == "running")
    assert run_redis_command(suite, "GET", "stored") == "1"
    suite.manage("restart")
    assert run_redis_command(suite, "GET", "stored") == "1"
    assert run_redis_command(suite, "CONFIG", "GET", "appendfsync") == "always"
    assert run_redis_command(suite, "CONFIG", "GET", "maxmemory-policy") == "noeviction"


def test_killed_component_is_restarted_and_counted(suite_with_postgres: FakeSuite) -> None:
    suite_with_postgres.manage("start")
    for name in ("tg_bot", "postgres"):
        os.kill(suite_with_postgres.pid(name), signal.SIGKILL)
    for name in ("tg_bot", "postgres"):
        wait_until(lambda it=name: suite_with_postgres.component_status(it).restarts == 1)
        wait_until(lambda it=name: suite_with_postgres.component_status(it).state == "running")
        assert suite_with_postgres.component_status(name).exit_reason == "ended by a signal: Killed"
    suite_with_postgres.manage("start")
    suite_with_postgres.manage("status")


def test_service_restart_does_not_affect_other_services(suite: FakeSuite) -> None:
    suite.manage("start")
    bot, rest = suite.pid("tg_bot"), suite.pid("rest_service")
    suite.manage("restart", "--service", "tg_bot")
    assert suite.pid("tg_bot") != bot
    assert suite.pid("rest_service") == rest
    assert suite.component_status("tg_bot").restarts == 0


def test_service_start_starts_only_its_dependencies(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "rest_service")
    states = {name: part.state for name, part in suite.run_directory.read_status().items()}
    assert states.pop("migrate") == "done"
    assert {name for name in states if states[name] == "running"} == {"redis", "rest_service"}


def test_services_survive_their_supervisor_until_start_replaces_them(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    os.kill(suite.run_directory.find_supervisor().pid, signal.SIGKILL)
    wait_until(lambda: suite.run_directory.find_supervisor() is None)
    assert suite.fetch_environment("TG_BOT_PORT")
    assert "the supervisor is gone" in suite.manage("status", status=1)

    assert "ended what a killed supervisor had left" in suite.manage("start")
    assert are_gone(before)
    assert len(suite.processes()) == 5


def test_stop_ends_processes_of_a_killed_supervisor(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    os.kill(suite.run_directory.find_supervisor().pid, signal.SIGKILL)
    wait_until(lambda: suite.run_directory.find_supervisor() is None)
    suite.manage("stop")
    assert are_gone(before)


@pytest.mark.parametrize("is_supervised", [True, False])
def test_services_stop_before_their_databases(home: Path, is_supervised: bool) -> None:
    suite = FakeSuite(home, {"tg_bot": "checks_redis_at_exit"})
    suite.manage("start")
    if not is_supervised:
        os.kill(suite.run_directory.find_supervisor().pid, signal.SIGKILL)
        wait_until(lambda: suite.run_directory.find_supervisor() is None)
    suite.manage("stop")
    assert "it ends before Redis" in suite.run_directory.log_file("tg_bot").read_text()


def test_supervisor_killed_during_start_leaves_no_processes(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "redis")
    suite.manage("stop")
    for _ in range(3):
        with suite.start_process("start"):
            wait_until(lambda: suite.run_directory.find_supervisor() is not None)
            os.kill(suite.run_directory.find_supervisor().pid, signal.SIGKILL)
        suite.manage("stop")
        assert suite.processes() == []


def test_terminated_supervisor_stops_everything_in_order(suite: FakeSuite) -> None:
    suite.manage("start")
    running = suite.processes()
    suite.run_directory.find_supervisor().send_signal(signal.SIGTERM)
    wait_until(lambda: are_gone(running))
    assert suite.run_directory.read_status() == {}
    assert "ready to exit" in suite.run_directory.log_file("redis").read_text()


def test_concurrent_starts_start_one_suite(suite: FakeSuite) -> None:
    with suite.start_process("start") as first, suite.start_process("start") as second:
        output = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len([text for text in output if "The suite is already running." in text]) == 1
    assert len(suite.processes()) == 5


def test_supervisor_signalled_before_its_handler_is_installed_survives(suite: FakeSuite) -> None:
    with suite.start_process("start") as start:
        wait_until(lambda: suite.run_directory.find_supervisor() is not None)
        suite.run_directory.find_supervisor().send_signal(signal.SIGHUP)
    assert start.returncode == 0


def run_redis_command(suite: FakeSuite, *command: str) -> str:
    """Return the last item of the response."""
    stored = dict(
        line.split("=", 1) for line in (suite.home / "state/secrets.env").read_text().splitlines()
    )
    port = int(suite.environment["REDIS_PORT"])
    assert valkey.check_health(port, stored["REDIS_PASSWORD"]).is_healthy
    with redis.Redis(
        port=port, password=stored["REDIS_PASSWORD"], decode_responses=True, protocol=2
    ) as client:
        response = client.execute_command(*command)
        return str(response[-1] if isinstance(response, list) else response)
