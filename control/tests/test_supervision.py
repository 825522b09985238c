"""Real processes, real databases, fake services; driven as an operator does."""

import os
import signal
from pathlib import Path

import pytest
import redis

from control.local import valkey
from control.local.process import Process
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite import wait_until

ALL = {"postgres", "redis", "migrate", "rest_service", "tg_bot", "sandbox"}


def gone(processes: list[Process]) -> bool:
    return not any(process.lives for process in processes)


def test_start_shows_each_part_and_where_to_go_and_stop_leaves_nothing(
    whole_suite: FakeSuite,
) -> None:
    said = whole_suite.manage("start")
    assert all(f"✓ {name}" in said for name in ALL)
    assert f"http://127.0.0.1:{whole_suite.environment['SANDBOX_PORT']}/?token=" in said
    assert f"http://127.0.0.1:{whole_suite.environment['REST_SERVICE_PORT']}/docs" in said
    assert "state/logs" in said

    running = whole_suite.processes()
    assert len(running) == 6
    assert whole_suite.manage("status").count(" ok") == 5
    whole_suite.manage("stop")
    assert gone(running)
    assert "database system is shut down" in whole_suite.run.log("postgres").read_text()
    assert "not running" in whole_suite.manage("status", status=1)
    assert whole_suite.manage("stop") == "Nothing runs.\n"


def test_a_second_start_says_that_it_runs_and_starts_what_is_missing(suite: FakeSuite) -> None:
    suite.manage("start")
    suite.manage("stop", "--service", "tg_bot")
    assert suite.part("tg_bot").state == "stopped"
    rest = suite.pid("rest_service")
    suite.manage("status", status=1)

    said = suite.manage("start")
    assert "It runs already." in said
    assert "✓ tg_bot" in said
    assert suite.pid("rest_service") == rest


def test_what_was_acknowledged_is_there_after_a_stop_and_after_a_crash(suite: FakeSuite) -> None:
    suite.manage("start")
    redis_says(suite, "SET", "kept", "1")
    os.kill(suite.pid("redis"), signal.SIGKILL)
    wait_until(lambda: suite.part("redis").restarts == 1 and suite.part("redis").pid is not None)
    wait_until(lambda: suite.part("redis").state == "running")
    assert redis_says(suite, "GET", "kept") == "1"
    suite.manage("restart")
    assert redis_says(suite, "GET", "kept") == "1"
    assert redis_says(suite, "CONFIG", "GET", "appendfsync") == "always"
    assert redis_says(suite, "CONFIG", "GET", "maxmemory-policy") == "noeviction"


def test_a_killed_part_is_started_again_and_counted(whole_suite: FakeSuite) -> None:
    whole_suite.manage("start")
    for name in ("tg_bot", "postgres"):
        os.kill(whole_suite.pid(name), signal.SIGKILL)
    for name in ("tg_bot", "postgres"):
        wait_until(lambda it=name: whole_suite.part(it).restarts == 1)
        wait_until(lambda it=name: whole_suite.part(it).state == "running")
        assert whole_suite.part(name).reason == "ended by a signal: Killed"
    whole_suite.manage("start")
    whole_suite.manage("status")


def test_restart_of_a_service_leaves_the_others_alone(suite: FakeSuite) -> None:
    suite.manage("start")
    bot, rest = suite.pid("tg_bot"), suite.pid("rest_service")
    suite.manage("restart", "--service", "tg_bot")
    assert suite.pid("tg_bot") != bot
    assert suite.pid("rest_service") == rest
    assert suite.part("tg_bot").restarts == 0


def test_start_of_a_service_brings_what_it_needs_and_nothing_else(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "rest_service")
    states = {name: part.state for name, part in suite.run.status().items()}
    assert states.pop("migrate") == "done"
    assert {name for name in states if states[name] == "running"} == {"redis", "rest_service"}


def test_the_services_go_on_without_their_supervisor_and_start_takes_over(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    os.kill(suite.run.supervisor().pid, signal.SIGKILL)
    wait_until(lambda: suite.run.supervisor() is None)
    assert suite.environment_of("TG_BOT_PORT")
    assert "the supervisor is gone" in suite.manage("status", status=1)

    assert "ended what a killed supervisor had left" in suite.manage("start")
    assert gone(before)
    assert len(suite.processes()) == 5


def test_stop_ends_what_a_killed_supervisor_had_left(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    os.kill(suite.run.supervisor().pid, signal.SIGKILL)
    wait_until(lambda: suite.run.supervisor() is None)
    suite.manage("stop")
    assert gone(before)


@pytest.mark.parametrize("is_supervised", [True, False])
def test_what_uses_the_data_ends_before_what_holds_it(home: Path, is_supervised: bool) -> None:
    suite = FakeSuite(home, {"tg_bot": "attentive"})
    suite.manage("start")
    if not is_supervised:
        os.kill(suite.run.supervisor().pid, signal.SIGKILL)
        wait_until(lambda: suite.run.supervisor() is None)
    suite.manage("stop")
    assert "it ends before Redis" in suite.run.log("tg_bot").read_text()


def test_a_supervisor_killed_while_it_starts_strands_nothing(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "redis")
    suite.manage("stop")
    for _ in range(3):
        with suite.begin("start"):
            wait_until(lambda: suite.run.supervisor() is not None)
            os.kill(suite.run.supervisor().pid, signal.SIGKILL)
        suite.manage("stop")
        assert suite.processes() == []


def test_a_terminated_supervisor_stops_everything_in_order(suite: FakeSuite) -> None:
    suite.manage("start")
    running = suite.processes()
    suite.run.supervisor().send(signal.SIGTERM)
    wait_until(lambda: gone(running))
    assert suite.run.status() == {}
    assert "ready to exit" in suite.run.log("redis").read_text()


def test_two_starts_at_once_start_one_suite(suite: FakeSuite) -> None:
    with suite.begin("start") as first, suite.begin("start") as second:
        said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len([text for text in said if "It runs already." in text]) == 1
    assert len(suite.processes()) == 5


def test_a_supervisor_that_is_told_of_wishes_before_it_can_listen_lives(suite: FakeSuite) -> None:
    with suite.begin("start") as start:
        wait_until(lambda: suite.run.supervisor() is not None)
        suite.run.supervisor().send(signal.SIGHUP)
    assert start.returncode == 0


def redis_says(suite: FakeSuite, *command: str) -> str:
    """The last line of the answer."""
    kept = dict(
        line.split("=", 1) for line in (suite.home / "state/secrets.env").read_text().splitlines()
    )
    port = int(suite.environment["REDIS_PORT"])
    assert valkey.health(port, kept["REDIS_PASSWORD"]).ok
    with redis.Redis(
        port=port, password=kept["REDIS_PASSWORD"], decode_responses=True, protocol=2
    ) as client:
        answer = client.execute_command(*command)
        return str(answer[-1] if isinstance(answer, list) else answer)
