"""A first start that is killed can be repeated, at whatever point it was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from control.local.process import Process
from control.local.run_directory import RunDirectory
from smart_kit.testing.suite_harness import ROOT, SuiteHarness, wait_until
from tests.e2e import stopping_manage
from tests.e2e.stopping_manage import STOP_AT_VARIABLE, STOP_NOTE_VARIABLE, STOP_SINCE_VARIABLE

pytestmark = pytest.mark.e2e

STOP_PATTERNS = {
    "secrets generated": "secrets.env",
    "mode stored": "mode",
    "supervisor recorded": "run/supervisor",
    "database folder created": "postgres",
    "initdb about to start": "postgres/unfinished.*",
    "initdb running": "postgres/unfinished.*/data/base",
    "database created": "postgres/data/PG_VERSION",
    "postgres started": "run/processes/postgres",
    "migration started": "run/processes/migrate",
    "rest_service started": "run/processes/rest_service",
    "assistant started": "run/processes/assistant",
}
"""Files that appear in STATE_DIR during a first start, in this order."""
START_TIMEOUT_SECONDS = 120.0


def test_a_first_start_killed_at_any_point_can_be_repeated(fresh_suite: SuiteHarness) -> None:
    reached = [name for name in STOP_PATTERNS if _kill_start_at(fresh_suite, STOP_PATTERNS[name])]
    assert reached == list(STOP_PATTERNS), "a point was not reached"
    fresh_suite.manage("start")
    assert "Tokyo" in fresh_suite.get_or_create_user("Alice").send_and_wait(
        "What time is it in Tokyo?"
    )


def _kill_start_at(suite: SuiteHarness, pattern: str) -> bool:
    """Start the suite, and kill the start and its supervisor when a file appears.

    Returns whether the file has appeared.
    """
    note = suite.state_dir.with_name("stopped")
    note.unlink(missing_ok=True)
    variables = {
        STOP_AT_VARIABLE: pattern,
        STOP_SINCE_VARIABLE: str(time.time()),
        STOP_NOTE_VARIABLE: str(note),
    }
    starting = subprocess.Popen(
        [sys.executable, stopping_manage.__file__, "start", "--local"],
        env=os.environ | suite.environment | variables,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: note.exists() or starting.poll() is not None, START_TIMEOUT_SECONDS)
    finally:
        starting.kill()
        starting.wait()
        _kill_supervisor(RunDirectory(suite.state_dir))
    return note.exists()


def _kill_supervisor(run: RunDirectory) -> None:
    """Kill the supervisor; one that is not recorded yet is found by the lock file that it holds."""
    holders = map(Process.from_pid, _find_holders(run.path / "supervisor.lock"))
    victims = [process for process in (run.find_supervisor(), *holders) if process]
    for victim in victims:
        victim.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(victim.is_alive for victim in victims))


def _find_holders(file: Path) -> list[int]:
    """Return the pids of the processes that have a file open."""
    pids = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == file:
                pids.append(int(link.parts[2]))
        except OSError:  # the process has ended
            continue
    return pids
