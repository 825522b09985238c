"""Running the tests, beside whatever is in use: here unless Docker is asked for."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from control.context import Context
from control.docker import test as docker
from control.local import test as local

_BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends by itself when the command that started it has gone, whatever ended that."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Once, or as often as asked; the last lines tell what became of each time."""
    run_tests = docker.run if options.docker else local.run
    outcomes = []
    with _load(os.cpu_count() or 1 if options.beside_load else 0):
        for number in range(1, options.repeat + 1):
            begun = time.monotonic()
            status = run_tests(context, options)
            duration = time.monotonic() - begun
            outcomes.append((status, f"{number}: {_outcome(status)}, {_minutes(duration)}"))
            if status == _INTERRUPTED:
                break
    if options.repeat > 1:
        for _, line in outcomes:
            context.terminal.line(f"run {line}")
        failures = sum(status != 0 for status, _ in outcomes)
        context.terminal.line(f"{len(outcomes)} runs, {failures} failed")
    return max(status for status, _ in outcomes)


_INTERRUPTED = 2
"""The exit status of pytest after Ctrl-C."""


def _outcome(status: int) -> str:
    return "failed" if status else "passed"


def _minutes(duration: float) -> str:
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest:02} s"


@contextmanager
def _load(processes: int) -> Iterator[None]:
    """Keeps so many cores busy meanwhile."""
    command = (sys.executable, "-c", _BUSY_LOOP, str(os.getpid()))
    loops = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
