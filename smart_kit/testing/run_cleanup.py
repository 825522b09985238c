"""Cleans up after a test run: suites, servers, other processes and Docker resources."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from smart_kit.testing import docker_resources, leftover_processes

ROOT = Path(__file__).resolve().parents[2]
_SHARED_FOLDER = Path("/var/lib/smart-assistant")
"""As in control/local/postgres_system_folder.py, which this package must not import."""
_REMOVE_TIMEOUT_SECONDS = 180.0
"""Time limit for stopping a suite whose processes must be killed, in seconds."""


def clean_up(folder: Path) -> None:
    """End and remove all that a run started, except its files. Raises RuntimeError on failure."""
    leftover_processes.terminate_started_by_tests(folder)
    failures = [*filter(None, map(_remove_suite, find_leftover_suites(folder)))]
    leftover_processes.terminate_all(folder)
    if docker_resources.is_docker_used(folder):
        docker_resources.remove_resources(docker_resources.resource_prefix(folder.name))
    if failures:
        raise RuntimeError("; ".join(failures))


def find_leftover_suites(folder: Path) -> list[Path]:
    """Return the state folders of suites that still run or have their database elsewhere.

    Only folders of this user count: PostgreSQL's user has folders too and could place a link there.
    """
    found = {lock.parents[1]: lock for lock in folder.rglob("run/supervisor.lock")}
    if leftover_processes.HAS_PROC:
        running = leftover_processes.find_state_dirs(folder)
    else:
        running = {state_dir for state_dir, lock in found.items() if _is_locked(lock)}
    left = (one for one in found if one in running or (one / "postgres").is_symlink())
    own = {one for one in left if one.lstat().st_uid == os.geteuid()}
    return sorted(own.union(_find_recorded_state_dirs(folder)))


def _find_recorded_state_dirs(folder: Path) -> Iterator[Path]:
    """Yield the state folders with a database in root's shared folder, even deleted ones."""
    for record in _SHARED_FOLDER.glob("*.owner"):
        with contextlib.suppress(OSError, ValueError, LookupError):
            state_dir = Path(json.loads(record.read_text())["state_dir"])
            if state_dir.is_relative_to(folder):
                yield state_dir


def _is_locked(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _remove_suite(state_dir: Path) -> str:
    """Run `./manage.py stop --remove`, which knows the suite. Return its output if it fails."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    command = [sys.executable, str(ROOT / "manage.py"), "stop", "--remove", "--yes", "--local"]
    environ["STATE_DIR"] = str(state_dir)
    done = run_merging_output(command, environ, _REMOVE_TIMEOUT_SECONDS)
    return f"{state_dir}: {done.stdout.strip()}" if done.returncode else ""


def run_merging_output(
    command: list[str], environ: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository, without input and with its errors in `stdout`."""
    return subprocess.run(
        command,
        env=environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
