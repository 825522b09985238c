"""Commands of local mode: real processes, real databases, fake services."""

import socket
from pathlib import Path

from control.local.process import Process
from control.terminal import Terminal
from control.tests.database_template import DatabaseTemplate
from control.tests.fake_installer import RepositoryWithFakeUv
from control.tests.fake_suite import FakeSuite


def are_gone(processes: list[Process]) -> bool:
    return not any(process.is_alive for process in processes)


def test_busy_port_is_reported_before_anything_starts(suite: FakeSuite) -> None:
    port = suite.environment["TG_BOT_PORT"]
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(port)))
        squatter.listen()
        output = suite.manage("start", status=1)
    assert f"port {port}, where tg_bot would listen, is in use" in output
    assert "set TG_BOT_PORT" in output
    assert suite.processes() == []


def test_missing_module_is_reported_and_other_services_run(home: Path) -> None:
    suite = FakeSuite(home, {"tg_bot": "incomplete"})
    try:
        output = suite.manage("start", status=1)
        assert "'aiohttp' is missing: run ./manage.py rebuild" in output
        assert "not healthy: tg_bot" in output
        assert suite.component_status("rest_service").state == "running"
    finally:
        suite.manage("stop")


def test_detail_of_an_unhealthy_service_is_shown(home: Path) -> None:
    suite = FakeSuite(home, {"tg_bot": "unhealthy"})
    try:
        assert "TELEGRAM_TOKEN: Telegram says no" in suite.manage("start", status=1)
        assert "TELEGRAM_TOKEN: Telegram says no" in suite.manage("status", status=1)
    finally:
        suite.manage("stop")


def test_unknown_service_is_reported_with_the_known_services(suite: FakeSuite) -> None:
    names = "postgres, redis, rest_service, tg_bot, sandbox"
    for command in ("start", "stop", "restart", "status"):
        output = suite.manage(command, "--service", "bot", status=2)
        assert output == f"manage.py: there is no service 'bot'; there are: {names}\n"


def test_service_disabled_by_settings_is_refused(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "redis")
    for command in ("start", "stop", "restart", "status"):
        output = suite.manage(command, "--service", "postgres", status=1)
        assert "postgres does not run with these settings" in output


def test_service_added_by_settings_requires_a_restart(
    suite: FakeSuite,
) -> None:
    real = {"TELEGRAM_TOKEN": "1:a", "TELEGRAM_ALLOWED_USERS": "*", "OPENAI_API_KEY": "sk"}
    suite.environment |= real
    suite.manage("start")
    suite.environment |= dict.fromkeys(real, "")
    for command in ("stop", "restart"):
        output = suite.manage(command, "--service", "sandbox", status=1)
        assert "sandbox is not part of the running suite" in output
    assert "✓ sandbox" in suite.manage("restart")


def test_restart_with_broken_settings_stops_nothing(suite: FakeSuite, home: Path) -> None:
    suite.manage("start")
    running = suite.processes()
    (home / ".env").write_text("TELEGRAM_TOKEN=hunter2\n")
    assert "TELEGRAM_TOKEN is not a bot's token" in suite.manage("restart", status=1)
    assert all(process.is_alive for process in running)


def test_rebuild_restarts_running_services(
    suite: FakeSuite, home: Path, terminal: Terminal
) -> None:
    suite.manage("start")
    before = suite.processes()
    repository = RepositoryWithFakeUv(home, terminal)
    suite.environment["PATH"] = repository.path
    suite.manage("rebuild")
    assert repository.take_calls == ["venv --python", "pip install"]
    assert are_gone(before)
    suite.manage("status")


def test_service_rebuild_installs_changes_and_restarts_only_that_service(
    suite: FakeSuite, home: Path, terminal: Terminal
) -> None:
    suite.manage("start")
    repository = RepositoryWithFakeUv(home, terminal)
    suite.environment["PATH"] = repository.path
    repository.virtualenv.ensure()
    assert repository.take_calls
    pids = {name: suite.pid(name) for name in ("rest_service", "tg_bot")}

    repository.write_pins("2.0")
    suite.manage("rebuild", "--service", "rest_service")

    assert repository.take_calls == ["pip install"]
    assert suite.pid("rest_service") != pids["rest_service"]
    assert suite.pid("tg_bot") == pids["tg_bot"]
    suite.manage("rebuild", "--service", "tg_bot")
    assert repository.take_calls == []
    assert suite.pid("tg_bot") != pids["tg_bot"]


def test_service_rebuild_does_not_start_a_stopped_suite(
    suite: FakeSuite, home: Path, terminal: Terminal
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    suite.environment["PATH"] = repository.path

    suite.manage("rebuild", "--service", "rest_service")

    assert repository.take_calls == ["venv --python", "pip install"]
    assert suite.processes() == []


def test_failed_rebuild_leaves_the_service_running(
    suite: FakeSuite, home: Path, terminal: Terminal
) -> None:
    suite.manage("start")
    pid = suite.pid("rest_service")
    repository = RepositoryWithFakeUv(home, terminal, pip="echo 'error: no'; exit 1")
    suite.environment["PATH"] = repository.path

    suite.manage("rebuild", "--service", "rest_service", status=1)

    assert suite.pid("rest_service") == pid


def test_failed_database_start_of_a_migration_leaves_no_processes(
    home: Path,
) -> None:
    suite = FakeSuite(home, has_external_postgres=False)
    bare = home / "python-without-servers"
    bare.write_text("#!/bin/sh\necho '[null, null]'\n")
    bare.chmod(0o755)
    suite.environment["FAKE_PYTHON"] = str(bare)
    output = suite.manage("upgrade", status=1)
    assert "postgres of requirements-local.txt is not installed: run ./manage.py rebuild" in output
    assert suite.processes() == []


def test_each_process_sees_only_its_own_variables(suite: FakeSuite) -> None:
    suite.environment |= {"GOOGLE_CLIENT_SECRET": "of-the-operator", "AWS_SECRET": "x"}
    suite.manage("start")
    bot, rest = suite.fetch_environment("TG_BOT_PORT"), suite.fetch_environment("REST_SERVICE_PORT")
    assert "TELEGRAM_TOKEN" in bot
    assert "TELEGRAM_TOKEN" not in rest
    assert "ADMIN_API_TOKEN" in rest
    assert "ADMIN_API_TOKEN" not in bot
    for process in suite.run_directory.find_processes().values():
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


def test_logs_show_the_names_of_components(suite: FakeSuite) -> None:
    suite.manage("start")
    output = suite.manage("logs")
    assert "tg_bot       │ TG_BOT_PORT begins" in output
    assert "redis        │" in output
    assert "supervisor started" in output
    assert suite.manage("logs", "--service", "tg_bot") == "tg_bot │ TG_BOT_PORT begins\n"


def test_logs_and_secrets_are_readable_by_their_owner_only(
    suite: FakeSuite, database_template: DatabaseTemplate
) -> None:
    suite.manage("start", "--service", "redis")
    state = suite.home / "state"
    database = database_template.cluster.state_dir / "postgres"
    for private in (state / "logs", state / "run", state / "redis", database):
        assert private.stat().st_mode & 0o077 == 0
    assert (state / "secrets.env").stat().st_mode & 0o077 == 0


def test_changed_env_of_a_running_suite_gives_a_hint(suite: FakeSuite, home: Path) -> None:
    suite.manage("start")
    assert ".env has changed" not in suite.manage("status")
    (home / ".env").write_text("LOG_LEVEL=DEBUG\n")
    assert ".env has changed since the start" in suite.manage("status")
