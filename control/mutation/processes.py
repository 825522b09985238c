"""The servers of a run, and mutmut itself.

They run in their own sessions: Ctrl-C reaches only manage.py, which ends them in the right order.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from control import exit_reasons
from control.errors import ControlError

Environ = dict[str, str]
_MUTMUT_SCRIPT = Path(__file__).with_name("quick_mutmut.py")
_PROGRESS_PATTERN = re.compile(r"(\d+)/(\d+) ")
_SHUTDOWN_TIMEOUT_SECONDS = 60.0
"""Seconds that servers and leftovers of tests may take to end."""


@contextmanager
def run_servers(
    python: Path, root: Path, environ: Mapping[str, str], redis: int
) -> Iterator[Environ]:
    """Run PostgreSQL and some Redis servers. Yield the environment in which tests find them."""
    process = subprocess.Popen(
        (python, "-m", "smart_kit.testing.shared_servers", str(redis)),
        cwd=root,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        addresses = process.stdout.readline()
        if not addresses:
            raise ControlError("the servers of the tests did not start")
        yield {**environ, **json.loads(addresses)}
    finally:
        process.stdin.close()  # they end with it, even if this process is killed
        process.wait(_SHUTDOWN_TIMEOUT_SECONDS)
        process.stdout.close()


def run_mutmut(
    python: Path,
    folder: Path,
    environ: Mapping[str, str],
    jobs: int,
    progress: Callable[[int, int], None],
) -> None:
    """Test the mutants in a working folder. Raises ControlError if mutmut fails."""
    log = folder / "log"
    process = subprocess.Popen(
        (python, "-P", _MUTMUT_SCRIPT, "run", "--max-children", str(jobs)),
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with log.open("w", encoding="utf-8") as file:
            for line in process.stdout:  # each update of its moving line is a line here
                file.write(line)
                if found := _PROGRESS_PATTERN.search(line):
                    progress(int(found[1]), int(found[2]))
        status = process.wait()
    finally:
        _kill(process)
    if status:
        last = "".join(exit_reasons.read_log_tail(log)[-1:]).strip() or "no output"
        raise ControlError(f"mutmut failed: {last} (all of it: {log})")


def _kill(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
