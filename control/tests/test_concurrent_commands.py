"""Two concurrent commands, and a supervisor that does not respond."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from control import environment, replicas
from control.context import Context
from control.errors import ControlError
from control.local import start, suite_changes, timeouts
from control.local.process import Process
from control.local.readiness import ReadinessWaiter
from control.local.run_directory import DesiredState
from control.local.suite import Suite
from control.local.supervisor import SuiteLoader, Supervisor
from control.terminal import Terminal
from control.tests.fake_services import SERVICES
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite_harness import wait_until

PYTHON = Path(sys.executable)
LATE_SCRIPT = """\
import os, sys, time
while not os.path.exists({go!r}):
    time.sleep(0.01)
os.execv(sys.executable, [sys.executable, {entry!r}, *sys.argv[1:]])
"""
THREE = {"rest_service", "rest_service.2", "rest_service.3"}


@pytest.fixture
def context(suite: FakeSuite, terminal: Terminal) -> Context:
    return suite.context(terminal)


def find_running(suite: FakeSuite | Suite) -> set[str]:
    return {
        name for name, part in suite.run_directory.read_status().items() if part.state == "running"
    }


def test_start_preserves_replicas_of_a_concurrent_start(suite: FakeSuite, context: Context) -> None:
    suite.manage("start")
    stale = Suite.from_context(context, PYTHON)
    suite.manage("start", "--replicas", "rest_service=3")
    current, missing = suite_changes.reconcile(context, stale, ())
    assert (current.replica_counts, missing) == ({"rest_service": 3}, frozenset())
    assert find_running(suite) >= THREE
    assert replicas.read(context.state_dir, SERVICES) == {"rest_service": 3}


def test_start_that_lost_a_race_uses_stored_counts(suite: FakeSuite, context: Context) -> None:
    suite.manage("start")
    suite.manage("stop")
    stale = Suite.from_context(context, PYTHON)
    replicas.save(context.state_dir, {"rest_service": 3})
    assert start.start(context, stale, ()) == ()
    assert find_running(suite) >= THREE


def test_requested_replica_count_overrides_a_stored_one(suite: FakeSuite, context: Context) -> None:
    suite.manage("start")
    requested = Suite.from_context(context, PYTHON, {"rest_service": 2})
    replicas.save(context.state_dir, {"rest_service": 3})
    assert requested.with_current_replicas().replica_counts == {"rest_service": 2}


@contextmanager
def short_timeout(timeout: str) -> Iterator[None]:
    """Shorter timeouts for commands in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timeouts, timeout, 0.1)
        yield


def test_running_command_locks_out_other_commands(suite: FakeSuite) -> None:
    suite.manage("start", "--service", "tg_bot")
    desired = suite.run_directory.read_desired_states()
    commands = (
        ("stop", "--service", "tg_bot"),
        ("restart", "--service", "tg_bot"),
        ("start", "--replicas", "rest_service=2"),
    )
    with suite.run_directory.acquire_command_lock(), short_timeout("LOCK_TIMEOUT_SECONDS"):
        output = [suite.manage(*command, status=1) for command in commands]
    assert all("another ./manage.py is changing what runs: try again" in text for text in output)
    assert suite.run_directory.read_desired_states() == desired
    assert not (suite.home / "state" / "replicas.json").read_text().strip("{}")
    suite.manage("stop", "--service", "tg_bot")


def test_running_command_locks_out_a_first_start(suite: FakeSuite) -> None:
    suite.run_directory.create()
    with suite.run_directory.acquire_command_lock(), short_timeout("LOCK_TIMEOUT_SECONDS"):
        output = suite.manage("start", status=1)
    assert "another ./manage.py is changing what runs: try again" in output
    assert suite.run_directory.read_desired_states() == {}
    assert suite.processes() == []


def test_concurrent_commands_both_take_effect(suite: FakeSuite) -> None:
    suite.manage("start")
    scale = ("start", "--service", "rest_service", "--replicas", "rest_service=3")
    with (
        suite.start_process(*scale) as scaling_up,
        suite.start_process("stop", "--service", "sandbox") as stop,
    ):
        output = [process.communicate(timeout=60)[0] for process in (scaling_up, stop)]
    assert all(f"✓ {name} " in output[0] for name in THREE), output[0]
    assert stop.returncode == 0, output[1]  # the other's is 1 if it sees the sandbox stopped
    wait_until(lambda: suite.component_status("sandbox").state == "stopped")
    wait_until(lambda: find_running(suite) >= THREE)


def test_start_applies_unsignalled_changes_of_a_killed_command(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start", "--replicas", "rest_service=2")
    suite.manage("stop", "--service", "sandbox")
    desired = suite.run_directory.read_desired_states() | {
        "sandbox": DesiredState(should_run=True),
        "rest_service.3": DesiredState(should_run=True),
    }
    suite.run_directory.write_desired_states(desired)
    replicas.save(context.state_dir, {"rest_service": 3})
    suite.manage("start")
    assert find_running(suite) >= {"sandbox"} | THREE

    suite.run_directory.write_desired_states(
        {name: desired[name] for name in desired if name not in THREE}
        | {"rest_service": DesiredState(should_run=True)}
    )
    replicas.save(context.state_dir, {"rest_service": 1})
    suite.manage("start")
    assert not find_running(suite) & (THREE - {"rest_service"})
    assert set(suite.run_directory.find_processes()).isdisjoint(THREE - {"rest_service"})


def test_changes_of_a_killed_command_are_applied_first(suite: FakeSuite, context: Context) -> None:
    suite.manage("start")
    suite.run_directory.write_environment(context.suite_environ | {"LOG_LEVEL": "debug"})
    suite.run_directory.write_desired_states(
        suite.run_directory.read_desired_states()
        | {"tg_bot": DesiredState(should_run=True, generation=1)}
    )
    suite.manage("stop", "--service", "sandbox")
    wait_until(lambda: suite.component_status("tg_bot").generation == 1)
    wait_until(lambda: suite.component_status("tg_bot").state == "running")
    assert suite.manage("restart", "--service", "sandbox")
    assert suite.fetch_environment("TG_BOT_PORT")["LOG_LEVEL"] == "debug"


def test_each_command_applies_its_own_environment(suite: FakeSuite) -> None:
    suite.manage("start")
    supervisor = suite.run_directory.find_supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        suite.environment["LOG_LEVEL"] = "debug"
        first = suite.start_process("restart", "--service", "tg_bot")
        wait_until(lambda: suite.run_directory.read_desired_states()["tg_bot"].generation == 1)
        del suite.environment["LOG_LEVEL"]
        with short_timeout("PICKUP_TIMEOUT_SECONDS"):
            output = suite.manage("restart", "--service", "sandbox", status=1)
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)
    reported = first.communicate(timeout=60)[0]
    assert first.returncode == 0, reported
    assert f"kill -CONT {supervisor.pid}, or ./manage.py restart" in output
    assert suite.fetch_environment("TG_BOT_PORT")["LOG_LEVEL"] == "debug"
    suite.manage("restart", "--service", "sandbox")
    assert "LOG_LEVEL" not in suite.fetch_environment("SANDBOX_PORT")


def test_lock_is_held_until_a_new_supervisor_listens(suite: FakeSuite, context: Context) -> None:
    late = suite.home / "late.py"
    late.write_text(LATE_SCRIPT.format(go=str(suite.home / "go"), entry=str(context.manage_script)))
    environment.ensure_secrets(context.root, context.environ)
    environment_file = suite.run_directory.path / "environment.json"
    was_waiting: list[bool] = []

    def watch() -> None:
        try:
            wait_until(lambda: suite.run_directory.find_supervisor() is not None)
            was_waiting.append(environment_file.exists())
        finally:
            (suite.home / "go").touch()

    watcher = Thread(target=watch)
    watcher.start()
    mine = replace(context, manage_script=late)
    assert start.start(mine, Suite.from_context(mine, PYTHON), ()) == ()
    watcher.join()
    assert was_waiting == [True], "another command's environment would be used"
    assert not environment_file.exists()


def build_suite(context: Context) -> Suite:
    """Return a suite with secrets, as a start creates them."""
    environment.ensure_secrets(context.root, context.environ)
    return Suite.from_context(context, PYTHON)


@asynccontextmanager
async def running_supervisor(suite: Suite, load_suite: SuiteLoader) -> AsyncIterator[Supervisor]:
    suite.run_directory.create()
    suite.run_directory.write_desired_states(
        {part.name: DesiredState(should_run=False) for part in suite.components}
    )
    with ThreadPoolExecutor() as threads:
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(suite, load_suite, threads, group)
            supervisor.reload()
            try:
                yield supervisor
            finally:
                await supervisor.stop()
                (suite.run_directory.path / "supervisor").unlink(
                    missing_ok=True
                )  # its record names this process, which must not be ended


async def test_supervisor_reads_only_complete_changes(
    context: Context,
) -> None:
    suite = build_suite(context)
    environment_file = suite.run_directory.path / "environment.json"
    async with running_supervisor(suite, lambda _: suite) as supervisor:
        with suite.run_directory.acquire_command_lock():
            suite.run_directory.write_environment({})
            supervisor.reload()
            assert environment_file.exists()
        async with asyncio.timeout(60):
            while environment_file.exists():
                await asyncio.sleep(0.01)


async def test_unexpected_settings_error_loses_no_desired_state(
    context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    def load(_: Mapping[str, str]) -> Suite:
        raise ValueError("unexpected")

    suite = build_suite(context)
    async with running_supervisor(suite, load) as supervisor:
        suite.run_directory.write_environment({})
        suite.run_directory.write_desired_states(
            {**suite.run_directory.read_desired_states(), "sandbox": DesiredState(should_run=True)}
        )
        supervisor.reload()
        async with asyncio.timeout(60):
            while "sandbox" not in find_running(suite):
                await asyncio.sleep(0.01)
    assert "the settings stay as they were: unexpected" in capfd.readouterr().err


async def test_supervisor_rewrites_its_damaged_record(
    home: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.local.supervisor._MAINTENANCE_INTERVAL_SECONDS", 0.05)
    suite = build_suite(FakeSuite(home).context(terminal))
    record = suite.run_directory.path / "supervisor"
    async with running_supervisor(suite, lambda _: suite):
        async with asyncio.timeout(60):
            for damage in ("", "{", None):
                record.unlink() if damage is None else record.write_text(damage)
                while suite.run_directory.find_supervisor() != Process.from_pid(os.getpid()):
                    await asyncio.sleep(0.01)


def test_ended_supervisor_leaves_no_secrets(suite: FakeSuite, context: Context) -> None:
    suite.manage("start")
    environment_file = suite.run_directory.path / "environment.json"
    supervisor = suite.run_directory.find_supervisor()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: suite.run_directory.find_supervisor() is None)
    with pytest.raises(ControlError, match="the supervisor has just ended"):
        suite_changes.update_desired_states(context, Suite.from_context(context, PYTHON), {})
    assert not environment_file.exists()

    mine = Suite.from_context(context, PYTHON)
    suite.run_directory.write_environment(context.suite_environ)
    with pytest.raises(ControlError, match="the supervisor has ended"):
        ReadinessWaiter(mine, frozenset({"tg_bot"}), context.terminal).wait()
    assert not environment_file.exists()

    suite.run_directory.write_environment(context.suite_environ)
    suite.manage("stop")
    assert not environment_file.exists()


def test_suspended_supervisor_is_not_awaited_forever(
    suite: FakeSuite, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite_changes, "_STOP_MARGIN_SECONDS", -19.9)
    suite.manage("start")
    supervisor = suite.run_directory.find_supervisor()
    assert supervisor is not None
    mine = Suite.from_context(context, PYTHON)
    environment_file = suite.run_directory.path / "environment.json"
    suite.run_directory.write_environment(context.suite_environ)
    os.kill(supervisor.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ControlError, match=f"kill -CONT {supervisor.pid}, or ./manage.py"):
            suite_changes.wait_until_stopped(context, mine, ["tg_bot"])
        assert environment_file.exists(), "another command may have written it since"
    finally:
        os.kill(supervisor.pid, signal.SIGCONT)


def test_replica_removed_by_another_command_is_not_awaited(
    suite: FakeSuite, context: Context
) -> None:
    suite.manage("start")
    mine = Suite.from_context(context, PYTHON, {"rest_service": 2})
    (problem,) = ReadinessWaiter(
        mine, mine.required_component_names_for(()), context.terminal
    ).wait()
    assert problem.name == "rest_service.2"
    assert "is no longer wanted" in problem.reason
