"""The processes of `mutate`, with programs in place of mutmut and of the servers."""

import os
import sys
from pathlib import Path

import pytest

from control.errors import ControlError
from control.mutation import processes
from smart_kit.testing.suite_harness import wait_until


def make_program(folder: Path, text: str) -> Path:
    """Write a program in place of the interpreter. It ignores its arguments."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def ignore_progress(done: int, total: int) -> None:
    """Ignore progress."""


def test_progress_of_mutmut_is_shown(tmp_path: Path) -> None:
    python = make_program(tmp_path, r"printf 'Generating\n\r⠋ 3/12  1\r⠙ 4/12  2\n'")
    seen: list[tuple[int, int]] = []
    processes.run_mutmut(python, tmp_path, os.environ, 1, lambda *step: seen.append(step))
    assert seen == [(3, 12), (4, 12)]


def test_failure_of_mutmut_shows_its_last_line(tmp_path: Path) -> None:
    python = make_program(tmp_path, "echo first; echo failed to collect stats; echo; exit 1")
    with pytest.raises(
        ControlError, match=r"mutmut failed: failed to collect stats \(all of it: /"
    ):
        processes.run_mutmut(python, tmp_path, os.environ, 1, ignore_progress)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_interrupt_leaves_no_processes(tmp_path: Path) -> None:
    python = make_program(tmp_path, "sleep 60 & echo $! >child; echo ' 1/2 '; wait")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.run_mutmut(python, tmp_path, os.environ, 1, interrupt)
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_servers_end_with_the_run(tmp_path: Path) -> None:
    python = make_program(tmp_path, """echo '{"TEST_REDIS_PORT": "7"}'; read _; touch ended""")
    with processes.run_servers(python, tmp_path, {"PATH": os.environ["PATH"]}, 2) as environ:
        assert environ == {"PATH": os.environ["PATH"], "TEST_REDIS_PORT": "7"}
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").exists()


def test_servers_that_do_not_start_are_reported(tmp_path: Path) -> None:
    python = make_program(tmp_path, "exit 1")
    with (
        pytest.raises(ControlError, match="the servers of the tests did not start"),
        processes.run_servers(python, tmp_path, os.environ, 2),
    ):
        pass
