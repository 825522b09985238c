"""`stop --remove`: a suite's data are gone, the operator's settings stay."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from control import confirmation
from control.errors import ControlError
from control.local import postgres, remove, shared_folder
from control.local.postgres import Cluster
from control.local.process import spawn
from control.local.wheels import Wheels
from control.terminal import Terminal
from control.tests.fake_suite import FakeSuite
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite import wait_until

ROOTS = pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps a database elsewhere")


def test_without_a_terminal_it_needs_a_yes_and_deletes_nothing_before(suite: FakeSuite) -> None:
    suite.manage("start")
    refused = suite.manage("stop", "--remove", status=2)
    assert str(suite.home / "state" / "redis") in refused
    assert "add --yes" in refused
    assert suite.run.supervisor()


def test_all_data_goes_and_settings_stay(suite: FakeSuite) -> None:
    suite.manage("start", "--replicas", "rest_service=2")
    state = suite.home / "state"
    (state / "notes.txt").write_text("of the operator's own")
    processes = suite.processes()
    said = suite.manage("stop", "--remove", "--yes")
    assert not any(process.lives for process in processes)
    assert {path.name for path in state.iterdir()} == {*remove.SETTINGS, "notes.txt"}
    assert "state/secrets.env" in said
    assert suite.manage("stop", "--remove", "--yes") == "Nothing to remove.\n"
    assert "✓ rest_service" in suite.manage("start")


def test_what_a_suite_keeps_is_known(whole_suite: FakeSuite) -> None:
    """A new file of STATE_DIR belongs to the data that are deleted, or to the settings."""
    whole_suite.manage("start", "--replicas", "rest_service=2")
    kept = {path.name for path in (whole_suite.home / "state").iterdir()}
    assert kept <= {*remove.DATA, *remove.SETTINGS}
    assert {"postgres", "redis", "run", "logs"} <= kept


def test_one_service_has_no_data_of_its_own(suite: FakeSuite) -> None:
    said = suite.manage("stop", "--remove", "--yes", "--service", "redis", status=2)
    assert "leave --service out" in said


@ROOTS
def test_a_database_outside_goes_too(whole_suite: FakeSuite) -> None:
    state = whole_suite.home / "state"
    whole_suite.home.chmod(0o700)
    whole_suite.manage("start")
    database = (state / "postgres").resolve()
    assert not database.is_relative_to(whole_suite.home)
    said = whole_suite.manage("stop", "--remove", "--yes")
    assert str(database) in said
    assert not database.exists()
    assert all(it.state_dir != state for it in shared_folder.databases())


@ROOTS
def test_a_database_whose_folder_is_gone_is_named_and_the_named_command_removes_it(
    home: Path, suite: FakeSuite, terminal: Terminal
) -> None:
    lost = home / "closed" / "state"
    lost.mkdir(parents=True)
    lost.parent.chmod(0o700)
    cluster = Cluster(lost, Wheels.of(Path(sys.executable)).postgres, free_port(), "secret")
    launch = cluster.launch()
    with spawn(launch, home / "record", home / "log") as server:
        wait_until(lambda: postgres.health(cluster.port).ok)
        database = (lost / "postgres").resolve()
        shutil.rmtree(lost.parent)

        command = f"STATE_DIR={lost} ./manage.py stop --local --remove"
        for said in (suite.manage("start"), "".join(suite.findings(terminal))):
            assert str(database) in said
            assert command in said
        suite.environment["STATE_DIR"] = str(lost)
        suite.manage("stop", "--remove", "--yes")
        suite.environment["STATE_DIR"] = str(home / "state")
        assert server.wait(10) == 0
    assert not database.exists()
    assert command not in "".join(suite.findings(terminal))


def test_a_number_that_is_another_process_by_now_is_left_alone(home: Path) -> None:
    with subprocess.Popen(("sleep", "60")) as other:
        (home / "data").mkdir()
        (home / "data" / "postmaster.pid").write_text(f"{other.pid}\n")
        postgres.end_server(home)
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(("answer", "is_deleted"), [("yes", True), ("Yes ", True), ("y", False)])
def test_at_a_terminal_it_asks(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal, answer: str, is_deleted: bool
) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Typed(f"{answer}\n"))
    if is_deleted:
        confirmation.require(terminal, ["everything"], is_given=False)
    else:
        with pytest.raises(ControlError, match="nothing is deleted"):
            confirmation.require(terminal, ["everything"], is_given=False)


def test_interrupted_the_same_command_goes_on(home: Path, suite: FakeSuite) -> None:
    """Killed after the first of the folders."""
    suite.manage("start")
    suite.manage("stop")
    shutil.rmtree(home / "state" / "redis")
    suite.manage("stop", "--remove", "--yes")
    assert {path.name for path in (home / "state").iterdir()} <= set(remove.SETTINGS)
