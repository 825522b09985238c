"""The virtual environment, with an installer that installs nothing."""

import io
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from control import requirements
from control.errors import ControlError
from control.file_lock import FileLock
from control.machine_requirements import REQUIRED_DISK, MachineFacts
from control.terminal import Terminal
from control.tests.fake_installer import WAIT_SCRIPT, RepositoryWithFakeUv
from control.tests.fake_machine import SUITABLE_MACHINE
from smart_kit.testing.suite_harness import wait_until

REBUILD_CALLS = ["venv --python", "pip install"]
FILES = [f"file{number}" for number in range(4)]
MAKE = f"cd {{home}}/.venv; touch {' '.join(FILES)}"
INSTALL = "cp {home}/requirements-local.txt {home}/.venv/installed"


def test_environment_is_installed_once(home: Path, terminal: Terminal, output: io.StringIO) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    assert repository.virtualenv.ensure() == home / ".venv" / "bin" / "python"
    assert repository.take_calls == REBUILD_CALLS
    assert "✓ virtual environment" in output.getvalue()

    repository.virtualenv.ensure()
    assert repository.take_calls == []


def test_only_pinned_packages_are_installed_and_checked_by_hash(
    home: Path, terminal: Terminal
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    install = repository.calls_file.read_text().splitlines()[1].split()
    assert {"--require-hashes", "--no-deps"} <= set(install)
    assert [Path(word) for word in install if word.endswith(".txt")] == list(
        requirements.runtime_files(home)
    )


def test_changed_pin_is_installed_into_the_existing_environment(
    home: Path, terminal: Terminal
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    assert repository.take_calls
    requirements.runtime_files(home)[0].write_text("no-such-package-here==2.0 --hash=sha256:00\n")
    repository.virtualenv.ensure()
    assert repository.take_calls == ["pip install"]


def test_development_environment_includes_runtime_packages(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure(develop=True)
    assert repository.take_calls == REBUILD_CALLS
    repository.virtualenv.ensure()
    assert repository.take_calls == []


def test_environment_without_its_python_is_recreated(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    assert repository.take_calls
    repository.virtualenv.python.unlink()
    repository.virtualenv.ensure()
    assert repository.take_calls == REBUILD_CALLS


def test_rebuild_recreates_the_environment(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    (home / ".venv" / "broken").touch()
    assert repository.take_calls
    repository.virtualenv.rebuild()
    assert repository.take_calls == REBUILD_CALLS
    assert not (home / ".venv" / "broken").exists()


def test_failed_installation_is_reported_and_retried(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal, pip="echo 'error: dns error'; exit 1")
    for _ in range(2):
        with pytest.raises(ControlError, match="the package index cannot be reached") as caught:
            repository.virtualenv.ensure()
        assert "\n" not in str(caught.value)
        assert "pip install" in repository.take_calls
    assert "dns error" in repository.virtualenv.log.read_text()


def test_second_command_waits_for_the_lock(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    lock = FileLock.try_acquire(home)
    assert lock is not None
    waiting = threading.Thread(target=repository.virtualenv.ensure)
    waiting.start()
    try:
        waiting.join(0.2)
        assert repository.take_calls == []
    finally:
        lock.release()
        waiting.join()
    assert repository.take_calls == REBUILD_CALLS


def kill_at_step(number: int) -> None:
    """Kill this process at this step of its file operations and process starts."""
    left = iter(range(number - 1))
    steps = {"os.remove", "os.rmdir", "os.rename", "subprocess.Popen"}

    def count(event: str, _: tuple[Any, ...]) -> None:
        if event in steps and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def run_in_child(work: Callable[[], object]) -> int:
    """Run it in a child process, which leads a group with the installer."""
    if pid := os.fork():
        return pid
    os.setsid()
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def wait_for_child(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("case", ["nothing is there", "a pin has changed", "rebuild"])
def test_command_succeeds_after_being_killed_at_any_step(
    home: Path, terminal: Terminal, case: str
) -> None:
    repository = RepositoryWithFakeUv(home, terminal, INSTALL, MAKE)
    work = repository.virtualenv.rebuild if case == "rebuild" else repository.virtualenv.ensure
    repository.virtualenv.ensure()
    for number in range(1, 99):
        if case == "nothing is there":
            shutil.rmtree(repository.virtualenv.path)
        elif case == "a pin has changed":
            repository.write_pins(f"{number}.1")
        status = wait_for_child(run_in_child(lambda: (kill_at_step(number), work())))  # noqa: B023 - it ends here
        repository.virtualenv.ensure()
        names = {path.name for path in repository.virtualenv.path.iterdir()}
        assert names >= {*FILES, "installed"}, number
        assert (home / ".venv" / "installed").read_text() == repository.pins
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert number > 3


@pytest.mark.parametrize("slow", ["venv", "pip", "pip after a change"])
def test_environment_of_a_killed_installer_is_recreated(
    home: Path, terminal: Terminal, slow: str
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    if slow == "pip after a change":
        repository.virtualenv.ensure()
        repository.write_pins("2.0")
    repository.set_behaviour(**{slow.split()[0]: WAIT_SCRIPT})
    pid = run_in_child(repository.virtualenv.ensure)
    wait_until((home / "started").exists)
    os.killpg(pid, signal.SIGKILL)
    assert wait_for_child(pid) == -signal.SIGKILL
    repository.set_behaviour()
    assert repository.take_calls
    repository.virtualenv.ensure()
    assert repository.take_calls == REBUILD_CALLS


@pytest.mark.parametrize("slow", ["venv", "pip"])
def test_next_command_waits_for_the_installer_of_a_killed_one(home: Path, slow: str) -> None:
    output = io.StringIO()
    repository = RepositoryWithFakeUv(home, Terminal(output, is_tty=True, colour=False))
    repository.set_behaviour(**{slow: WAIT_SCRIPT})
    pid = run_in_child(repository.virtualenv.ensure)
    wait_until((home / "started").exists)
    os.kill(pid, signal.SIGKILL)
    assert wait_for_child(pid) == -signal.SIGKILL
    assert repository.take_calls
    repository.set_behaviour()
    waiting = threading.Thread(target=repository.virtualenv.ensure)
    waiting.start()
    wait_until(lambda: "another ./manage.py is preparing" in output.getvalue())
    assert repository.take_calls == []
    (home / "continue").touch()
    waiting.join()
    assert (home / "finished").exists()
    assert repository.take_calls == REBUILD_CALLS


def test_command_succeeds_after_ctrl_c_without_traceback(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal, WAIT_SCRIPT)
    with repository.start_rebuild() as command:
        wait_until((home / "started").exists)
        os.killpg(command.pid, signal.SIGINT)  # as a terminal does
        message, _ = command.communicate()
    assert command.returncode == 130
    assert "Traceback" not in message
    assert not (home / "finished").exists()
    repository.set_behaviour()
    assert repository.take_calls == REBUILD_CALLS
    repository.virtualenv.ensure()
    assert repository.take_calls == REBUILD_CALLS


def test_interpreter_of_an_unfinished_environment_is_not_trusted(
    home: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.pin_installed_package()
    assert repository.virtualenv.ensure() == Path(sys.executable)
    monkeypatch.setattr(sys, "prefix", str(home / ".venv"))
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/behind-it")
    assert repository.virtualenv.ensure() == repository.virtualenv.python
    assert "/usr/bin/behind-it" in repository.calls_file.read_text()


@pytest.mark.parametrize(
    "found",
    [
        replace(SUITABLE_MACHINE, python=(3, 15)),
        replace(SUITABLE_MACHINE, is_musl=True),
        replace(SUITABLE_MACHINE, free_disk=REQUIRED_DISK // 2),
        replace(SUITABLE_MACHINE, is_noexec=True),
        replace(SUITABLE_MACHINE, loopback_error="off"),
    ],
)
def test_unmet_requirement_is_reported_before_the_installation(
    home: Path, terminal: Terminal, found: MachineFacts
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv = replace(repository.virtualenv, inspect_machine=lambda _: found)
    with pytest.raises(ControlError):
        repository.virtualenv.ensure()
    assert repository.take_calls == []
    assert not repository.virtualenv.path.exists()


def test_rebuild_on_an_unsuitable_machine_retains_the_environment(
    home: Path, terminal: Terminal
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    newer = replace(
        repository.virtualenv, inspect_machine=lambda _: replace(SUITABLE_MACHINE, python=(3, 15))
    )
    with pytest.raises(ControlError, match=r"no wheel for Python 3\.15"):
        newer.rebuild()
    assert newer.ensure() == newer.python
    assert repository.take_calls == REBUILD_CALLS


@pytest.mark.parametrize(
    "found",
    [replace(SUITABLE_MACHINE, is_noexec=True), replace(SUITABLE_MACHINE, loopback_error="off")],
)
def test_changeable_requirements_are_checked_at_each_start(
    home: Path, terminal: Terminal, found: MachineFacts
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    with pytest.raises(ControlError):
        replace(repository.virtualenv, inspect_machine=lambda _: found).ensure()


def test_complete_interpreter_needs_no_wheels_and_no_folder(home: Path, terminal: Terminal) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.pin_installed_package()
    found = replace(SUITABLE_MACHINE, python=(3, 15), is_musl=True, free_disk=0, is_noexec=True)
    virtualenv = replace(repository.virtualenv, inspect_machine=lambda _: found)
    assert virtualenv.ensure() == Path(sys.executable)


def test_rebuild_may_reuse_the_disk_space_of_the_environment(
    home: Path, terminal: Terminal
) -> None:
    repository = RepositoryWithFakeUv(home, terminal)
    repository.virtualenv.ensure()
    (home / ".venv" / "large").write_bytes(b"x" * 2**20)
    found = replace(SUITABLE_MACHINE, free_disk=REQUIRED_DISK - 2**20)
    replace(repository.virtualenv, inspect_machine=lambda _: found).rebuild()
    assert repository.take_calls == REBUILD_CALLS * 2
