"""`stop --remove` deletes the data of a suite and keeps the operator's settings."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from control import environment
from control.commands import suite as suite_commands
from control.errors import ControlError
from control.local import postgres, postgres_system_folder, remove
from control.local.postgres_system_folder import Database
from control.local.process import spawn
from control.terminal import Terminal
from control.tests.database_template import DatabaseTemplate
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite_harness import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps a database elsewhere")


def test_removal_without_terminal_requires_yes_option(suite: FakeSuite) -> None:
    suite.manage("start")
    refused = suite.manage("stop", "--remove", status=2)
    assert str(suite.home / "state" / "redis") in refused
    assert "add --yes" in refused
    assert suite.run_directory.find_supervisor()


def test_removal_deletes_data_and_keeps_settings(suite: FakeSuite) -> None:
    suite.manage("start", "--replicas", "rest_service=2")
    state = suite.home / "state"
    (state / "notes.txt").write_text("of the operator's own")
    processes = suite.processes()
    output = suite.manage("stop", "--remove", "--yes")
    assert not any(process.is_alive for process in processes)
    left = {path.name for path in state.iterdir()}
    assert left == {"mode", "replicas.json", "secrets.env", "notes.txt"}
    assert "state/secrets.env" in output
    assert suite.manage("stop", "--remove", "--yes") == "Nothing to remove.\n"
    assert "✓ rest_service" in suite.manage("start")


def test_all_files_in_the_state_dir_are_known(suite_with_postgres: FakeSuite) -> None:
    """Every file of STATE_DIR belongs either to the deleted data or to the settings."""
    suite_with_postgres.manage("start", "--replicas", "rest_service=2")
    state = suite_with_postgres.home / "state"
    names = {path.name for path in state.iterdir()}
    known = {pattern.partition("/")[0] for pattern in remove.DATA_PATTERNS}
    assert names <= {*known, *remove.SETTINGS_FILES}
    assert {"postgres", "redis", "run", "logs"} <= names
    suite_with_postgres.manage("stop", "--remove", "--yes")
    assert {path.name for path in state.iterdir()} <= set(remove.SETTINGS_FILES)


def test_removal_of_a_single_service_is_refused(suite: FakeSuite) -> None:
    output = suite.manage("stop", "--remove", "--yes", "--service", "redis", status=2)
    assert "leave --service out" in output


@pytest.mark.skipif(not Path("/proc").exists(), reason="found in /proc")
def test_suite_with_deleted_folder_is_stopped(home: Path, suite: FakeSuite) -> None:
    suite.manage("start")
    processes = suite.processes()
    shutil.rmtree(home / "state")
    suite.manage("stop")
    assert not any(process.is_alive for process in processes)
    assert suite.manage("stop") == "Nothing runs.\n"


@pytest.fixture
def suite_in_closed_folder(home: Path, database_template: DatabaseTemplate) -> Iterator[FakeSuite]:
    """A suite whose database is outside, because only root can enter its folder."""
    suite = FakeSuite(home, has_external_postgres=False)
    home.chmod(0o700)
    database_template.copy_to(home / "state")
    yield suite
    suite.manage("stop", "--remove", "--yes")


@needs_root
def test_database_outside_the_state_dir_is_deleted(suite_in_closed_folder: FakeSuite) -> None:
    state = suite_in_closed_folder.home / "state"
    suite_in_closed_folder.manage("start", "--service", "postgres")
    database = (state / "postgres").resolve()
    assert not database.is_relative_to(suite_in_closed_folder.home)
    output = suite_in_closed_folder.manage("stop", "--remove", "--yes")
    assert str(database) in output
    assert not database.exists()
    assert all(it.state_dir != state for it in postgres_system_folder.find_databases())


@needs_root
def test_orphaned_database_is_reported_with_its_removal_command(
    home: Path, suite: FakeSuite, database_template: DatabaseTemplate, terminal: Terminal
) -> None:
    state_dir = home / "closed" / "state"
    state_dir.mkdir(parents=True)
    state_dir.parent.chmod(0o700)
    cluster = database_template.copy_to(state_dir, free_port())
    launch = cluster.prepare_launch()
    with spawn(launch, home / "record", home / "log") as server:
        wait_until(lambda: postgres.check_health(cluster.port).is_healthy)
        database = (state_dir / "postgres").resolve()
        shutil.rmtree(state_dir.parent)

        command = f"STATE_DIR={state_dir} ./manage.py stop --local --remove"
        for output in (suite.manage("start"), "".join(suite.findings(terminal))):
            assert str(database) in output
            assert command in output
        suite.environment["STATE_DIR"] = str(state_dir)
        try:
            suite.manage("stop", "--remove", "--yes")
            assert server.wait(60) == 0
        finally:
            suite.environment["STATE_DIR"] = str(home / "state")
            server.kill()
    assert not database.exists()
    assert command not in "".join(suite.findings(terminal))


def test_reused_process_number_is_not_signalled(home: Path) -> None:
    with subprocess.Popen(("sleep", "60")) as other:
        (home / "data").mkdir()
        (home / "data" / "postmaster.pid").write_text(f"{other.pid}\n")
        postgres.stop_server(Database(home, None))
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(("answer", "is_deleted"), [("yes", True), ("Yes ", True), ("y", False)])
def test_removal_at_a_terminal_asks_for_confirmation(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal, answer: str, is_deleted: bool
) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Typed(f"{answer}\n"))
    if is_deleted:
        suite_commands.confirm_deletion(terminal, ["everything"], is_confirmed=False)
    else:
        with pytest.raises(ControlError, match="nothing is deleted"):
            suite_commands.confirm_deletion(terminal, ["everything"], is_confirmed=False)


@pytest.mark.parametrize("deleted", ["redis", "run/processes", "run/supervisor.lock"])
def test_interrupted_removal_can_be_repeated(home: Path, suite: FakeSuite, deleted: str) -> None:
    """The first command is killed in the middle of its work."""
    environment.ensure_secrets(home, suite.environment)
    suite.run_directory.create()
    (home / "state" / "redis").mkdir()
    (home / "state" / "run" / "supervisor.lock").touch()
    removed = home / "state" / deleted
    removed.unlink() if removed.is_file() else removed.rmdir()
    suite.manage("stop", "--remove", "--yes")
    assert {path.name for path in (home / "state").iterdir()} <= set(remove.SETTINGS_FILES)


def test_folder_without_suite_is_not_changed(home: Path, suite: FakeSuite) -> None:
    files = [home / "state" / name for name in ("logs/taxes.log", "run/x", "redis/y")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.touch()
    assert suite.manage("stop", "--remove", "--yes") == "Nothing to remove.\n"
    assert all(file.exists() for file in files)


def test_foreign_files_in_the_folders_are_not_deleted(home: Path, suite: FakeSuite) -> None:
    environment.ensure_secrets(home, suite.environment)
    for name in ("logs/tg_bot.log", "logs/taxes", "sandbox/project"):
        (home / "state" / name).parent.mkdir(exist_ok=True)
        (home / "state" / name).touch()
    suite.manage("stop", "--remove", "--yes")
    left = {str(path.relative_to(home / "state")) for path in (home / "state").glob("*/*")}
    assert left == {"logs/taxes", "sandbox/project"}


def test_only_the_database_behind_an_operators_link_is_deleted(
    home: Path, suite: FakeSuite
) -> None:
    environment.ensure_secrets(home, suite.environment)
    disk = home / "big-disk"
    for name in ("photos", "data", "unfinished.1"):
        (disk / name).mkdir(parents=True)
    (home / "big-disk.owner").touch()
    (home / "state" / "postgres").symlink_to(disk)
    suite.manage("stop", "--remove", "--yes")
    assert [path.name for path in disk.iterdir()] == ["photos"]
    assert (home / "big-disk.owner").exists()
    assert not (home / "state" / "postgres").is_symlink()


@needs_root
def test_copied_folder_does_not_delete_the_originals_database(
    suite_in_closed_folder: FakeSuite,
) -> None:
    home = suite_in_closed_folder.home
    environment.ensure_secrets(home, suite_in_closed_folder.environment)
    shutil.copytree(home / "state", home / "copy", symlinks=True)
    suite_in_closed_folder.environment["STATE_DIR"] = str(home / "copy")
    suite_in_closed_folder.manage("stop", "--remove", "--yes")
    assert not (home / "copy" / "postgres").is_symlink()
    assert (home / "state" / "postgres" / "data" / "PG_VERSION").exists()
    suite_in_closed_folder.environment["STATE_DIR"] = str(home / "state")
