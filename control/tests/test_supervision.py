"""Real processes, real databases, fake services; driven as an operator does."""

import os
import signal
import socket
from pathlib import Path

import redis

from control.local import valkey
from control.local.process import Process
from control.terminal import Terminal
from control.tests.fake_installer import RepositoryWithFakeUv
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


def test_start_of_a_service_brings_what_it_needs_and_nothing_else(whole_suite: FakeSuite) -> None:
    whole_suite.manage("start", "--service", "rest_service")
    states = {name: part.state for name, part in whole_suite.run.status().items()}
    assert states.pop("migrate") == "done"
    assert {name for name in states if states[name] == "running"} == {
        "postgres",
        "redis",
        "rest_service",
    }


def test_the_services_go_on_without_their_supervisor_and_start_takes_over(
    whole_suite: FakeSuite,
) -> None:
    whole_suite.manage("start")
    before = whole_suite.processes()
    os.kill(whole_suite.run.supervisor().pid, signal.SIGKILL)
    wait_until(lambda: whole_suite.run.supervisor() is None)
    assert whole_suite.environment_of("TG_BOT_PORT")
    assert "the supervisor is gone" in whole_suite.manage("status", status=1)

    assert "ended what a killed supervisor had left" in whole_suite.manage("start")
    assert gone(before)
    assert len(whole_suite.processes()) == 6


def test_stop_ends_what_a_killed_supervisor_had_left(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    os.kill(suite.run.supervisor().pid, signal.SIGKILL)
    wait_until(lambda: suite.run.supervisor() is None)
    suite.manage("stop")
    assert gone(before)


def test_a_supervisor_killed_while_it_starts_strands_nothing(whole_suite: FakeSuite) -> None:
    whole_suite.manage("start", "--service", "redis")
    whole_suite.manage("stop")
    for _ in range(3):
        with whole_suite.begin("start"):
            wait_until(lambda: whole_suite.run.supervisor() is not None)
            os.kill(whole_suite.run.supervisor().pid, signal.SIGKILL)
        whole_suite.manage("stop")
        assert whole_suite.processes() == []


def test_a_terminated_supervisor_stops_everything_in_order(whole_suite: FakeSuite) -> None:
    whole_suite.manage("start")
    running = whole_suite.processes()
    whole_suite.run.supervisor().send(signal.SIGTERM)
    wait_until(lambda: gone(running))
    assert whole_suite.run.status() == {}
    assert "database system is shut down" in whole_suite.run.log("postgres").read_text()


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


def test_a_busy_port_is_told_before_anything_is_started(suite: FakeSuite) -> None:
    port = suite.environment["TG_BOT_PORT"]
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(port)))
        squatter.listen()
        said = suite.manage("start", status=1)
    assert f"port {port}, where tg_bot would listen, is in use" in said
    assert "set TG_BOT_PORT" in said
    assert suite.processes() == []


def test_a_missing_module_is_named_with_its_remedy_and_the_rest_runs(home: Path) -> None:
    suite = FakeSuite(home, {"tg_bot": "incomplete"})
    try:
        said = suite.manage("start", status=1)
        assert "'aiohttp' is missing: run ./manage.py rebuild" in said
        assert "not well: tg_bot" in said
        assert suite.part("rest_service").state == "running"
    finally:
        suite.manage("stop")


def test_a_service_that_says_why_it_is_not_well_is_quoted(home: Path) -> None:
    suite = FakeSuite(home, {"tg_bot": "unwell"})
    try:
        assert "TELEGRAM_TOKEN: Telegram says no" in suite.manage("start", status=1)
        assert "TELEGRAM_TOKEN: Telegram says no" in suite.manage("status", status=1)
    finally:
        suite.manage("stop")


def test_an_unknown_service_is_answered_with_those_there_are(suite: FakeSuite) -> None:
    names = "postgres, redis, rest_service, tg_bot, sandbox"
    for command in ("start", "stop", "restart", "status"):
        said = suite.manage(command, "--service", "bot", status=2)
        assert said == f"manage.py: there is no service 'bot'; there are: {names}\n"


def test_a_service_that_the_settings_leave_out_is_refused(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "redis")
    for command in ("start", "stop", "restart", "status"):
        said = suite.manage(command, "--service", "postgres", status=1)
        assert "postgres does not run with these settings" in said


def test_a_service_that_came_with_a_change_of_settings_waits_for_a_restart(
    suite: FakeSuite,
) -> None:
    real = {"TELEGRAM_TOKEN": "1:a", "TELEGRAM_ALLOWED_USERS": "*", "OPENAI_API_KEY": "sk"}
    suite.environment |= real
    suite.manage("start")
    suite.environment |= dict.fromkeys(real, "")
    for command in ("stop", "restart"):
        said = suite.manage(command, "--service", "sandbox", status=1)
        assert "sandbox is not in the suite that runs" in said
    assert "✓ sandbox" in suite.manage("restart")


def test_a_restart_with_broken_settings_leaves_alone_what_runs(
    suite: FakeSuite, home: Path
) -> None:
    suite.manage("start")
    running = suite.processes()
    (home / ".env").write_text("TELEGRAM_TOKEN=hunter2\n")
    assert "TELEGRAM_TOKEN is not a bot's token" in suite.manage("restart", status=1)
    assert all(process.lives for process in running)


def test_a_rebuild_starts_again_what_ran(suite: FakeSuite, home: Path, terminal: Terminal) -> None:
    suite.manage("start")
    before = suite.processes()
    repository = RepositoryWithFakeUv(home, terminal)
    suite.environment["PATH"] = repository.path
    suite.manage("rebuild")
    assert repository.calls == ["venv --python", "pip install"]
    assert gone(before)
    suite.manage("status")


def test_a_database_that_does_not_start_for_a_migration_leaves_nothing_running(
    whole_suite: FakeSuite, home: Path
) -> None:
    bare = home / "python-without-servers"
    bare.write_text("#!/bin/sh\necho '[null, null]'\n")
    bare.chmod(0o755)
    whole_suite.environment["FAKE_PYTHON"] = str(bare)
    said = whole_suite.manage("upgrade", status=1)
    assert "postgres of requirements-local.txt is not installed: run ./manage.py rebuild" in said
    assert whole_suite.processes() == []


def test_each_process_sees_only_what_is_its_own(suite: FakeSuite) -> None:
    suite.environment |= {"GOOGLE_CLIENT_SECRET": "of-the-operator", "AWS_SECRET": "x"}
    suite.manage("start")
    bot, rest = suite.environment_of("TG_BOT_PORT"), suite.environment_of("REST_SERVICE_PORT")
    assert "TELEGRAM_TOKEN" in bot
    assert "TELEGRAM_TOKEN" not in rest
    assert "ADMIN_API_TOKEN" in rest
    assert "ADMIN_API_TOKEN" not in bot
    for process in suite.run.processes().values():
        seen = Path(f"/proc/{process.pid}/environ").read_text()
        assert "AWS_SECRET" not in seen
        assert "of-the-operator" not in seen


def test_two_suites_run_side_by_side(suite: FakeSuite, home: Path) -> None:
    other = FakeSuite(home)
    other.environment["STATE_DIR"] = str(home / "other")
    suite.manage("start")
    try:
        other.manage("start")
        suite.manage("stop")
        other.manage("status")
    finally:
        other.manage("stop")


def test_the_logs_of_all_are_told_with_their_names(suite: FakeSuite) -> None:
    suite.manage("start")
    said = suite.manage("logs")
    assert "tg_bot       │ TG_BOT_PORT begins" in said
    assert "redis        │" in said
    assert "supervisor started" in said
    assert suite.manage("logs", "--service", "tg_bot") == "tg_bot │ TG_BOT_PORT begins\n"


def test_the_logs_and_secrets_are_their_owners_alone(whole_suite: FakeSuite) -> None:
    whole_suite.manage("start")
    state = whole_suite.home / "state"
    for private in (state / "logs", state / "run", state / "redis", state / "postgres"):
        assert private.stat().st_mode & 0o077 == 0
    assert (state / "secrets.env").stat().st_mode & 0o077 == 0


def test_a_change_of_env_while_it_runs_is_hinted_at(suite: FakeSuite, home: Path) -> None:
    suite.manage("start")
    assert ".env has changed" not in suite.manage("status")
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    assert ".env has changed since the start" in suite.manage("status")


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
