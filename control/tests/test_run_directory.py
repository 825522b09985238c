"""The files through which commands and supervisor communicate, also after a power cut."""

import io
import os
from pathlib import Path

import pytest

from control.cli import main
from control.context import Context
from control.credentials import write_private_file
from control.errors import ControlError
from control.file_lock import FileLock
from control.local import timeouts
from control.local.process import LaunchSpec, Process, spawn
from control.local.run_directory import DesiredState, RunDirectory
from control.terminal import Terminal
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.suite_harness import wait_until

DAMAGED_CONTENTS = (
    "",
    '{"tg_bot"',
    "null",
    "[3]",
    "\0\0\0",
    '{"tg_bot": 3}',
    '{"tg_bot": {"x": 1}}',
)


@pytest.mark.parametrize("text", DAMAGED_CONTENTS)
@pytest.mark.parametrize("name", ["supervisor", "desired_state.json", "status.json"])
def test_damaged_file_counts_as_absent_and_is_reported(
    tmp_path: Path, name: str, text: str
) -> None:
    run = RunDirectory(tmp_path)
    run.create()
    assert run.find_damaged_files() == []
    (run.path / name).write_text(text)
    assert (run.find_supervisor(), run.read_desired_states(), run.read_status()) == (None, {}, {})
    assert run.find_damaged_files() == [run.path / name]


def test_damaged_supervisor_record_is_named_in_the_lock_error(
    tmp_path: Path, terminal: Terminal, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeouts, "LOCK_TIMEOUT_SECONDS", 0.1)
    run = RunDirectory(tmp_path / "state")
    run.create()
    lock = FileLock.try_acquire(run.path / "supervisor.lock")
    assert lock is not None
    (run.path / "supervisor").write_text("{")
    with pytest.raises(ControlError, match=r"supervisor is damaged: .* within a minute: try again"):
        run.acquire_supervisor_lock()
    launch = LaunchSpec(("sleep", "60"), {"PATH": os.environ["PATH"]}, tmp_path)
    with spawn(launch, run.process_record_path("redis"), run.log_file("redis")) as part:
        try:
            wait_until(lambda: "redis" in run.find_processes())
            environ = {"STATE_DIR": str(tmp_path / "state")}
            assert main(["status", "--local"], Context(tmp_path, tmp_path, environ, terminal)) == 1
        finally:
            part.kill()
    assert "unknown whether the supervisor of redis is alive" in output.getvalue()
    assert "is gone" not in output.getvalue()


def test_environment_is_deleted_only_without_supervisor_and_command(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.create()
    run.write_environment({})
    environment_file = run.path / "environment.json"
    with run.acquire_command_lock():
        run.remove_orphaned_environment()
        assert environment_file.exists(), "a command may just have written it"
    me = Process.from_pid(os.getpid())
    assert me is not None
    run.write_supervisor(me)
    run.remove_orphaned_environment()
    assert environment_file.exists(), "a supervisor can read it"
    (run.path / "supervisor").unlink()
    run.remove_orphaned_environment()
    assert not environment_file.exists()


@pytest.mark.parametrize("text", ["", "12", "12\nboot\n7 (sh) S 1", "12\nboot\n7 (sh)", "\0\0"])
def test_incomplete_record_matches_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "record").write_text(text)
    process = Process.from_record(tmp_path / "record")
    assert process is None or not process.is_alive


def test_files_are_flushed_before_they_are_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "desired_state.json"
    file.write_text("old")
    seen: list[tuple[str, str]] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        kind = "folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file"
        seen.append((kind, file.read_text()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_private_file(file, "new")
    assert seen == [("file", "old"), ("folder", "new")]


def test_lost_desired_states_stop_nothing_until_a_restart(suite: FakeSuite) -> None:
    suite.manage("start")
    before = suite.processes()
    suite.run_directory.write_desired_states({})
    (suite.run_directory.path / "desired_state.json").write_text("")
    supervisor = suite.run_directory.find_supervisor()
    assert supervisor is not None
    suite.run_directory.write_environment({})
    os.kill(supervisor.pid, 1)
    log = suite.run_directory.log_file("supervisor")
    wait_until(lambda: "desired_state.json is lost or damaged" in log.read_text())
    assert "desired_state.json is damaged and ignored" in suite.manage("status")
    for command in ("stop", "restart"):
        message = suite.manage(command, "--service", "tg_bot", status=1)
        assert "desired_state.json is lost or damaged: run ./manage.py restart" in message
    assert all(process.is_alive for process in before)
    suite.manage("restart")
    assert suite.run_directory.read_desired_states()["tg_bot"] == DesiredState(should_run=True)
    assert "damaged" not in suite.manage("status")
