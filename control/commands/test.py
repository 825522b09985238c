"""Running the tests, beside whatever is in use: here unless Docker is asked for."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from control.context import Context
from control.table import duration
from control.testing import selection

RunTests = Callable[[Context, argparse.Namespace], int]
_BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends by itself when the command that started it has gone, whatever ended that."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Once, or as often as asked; the last lines tell what became of each time."""
    selection.check(options, context.root)
    mode = "docker" if options.docker else "local"
    run_tests: RunTests = import_module(f"control.{mode}.test").run
    statuses, outcomes = list[int](), list[str]()
    try:
        with _load(os.cpu_count() or 1 if options.beside_load else 0):
            for number in range(1, options.repeat + 1):
                begun = time.monotonic()
                statuses.append(run_tests(context, options))
                took = duration(time.monotonic() - begun)
                outcomes.append(f"run {number}: {_outcome(statuses[-1])}, {took}")
                if statuses[-1] == _INTERRUPTED:
                    break
    finally:  # after Ctrl-C too
        if options.repeat > 1:
            _tell(context, statuses, outcomes)
    return next(filter(None, statuses), 0)


_INTERRUPTED = 2
"""The exit status of pytest after Ctrl-C."""


def _tell(context: Context, statuses: list[int], outcomes: list[str]) -> None:
    for outcome in outcomes:
        context.terminal.line(outcome)
    context.terminal.line(f"{len(statuses)} runs, {sum(map(bool, statuses))} failed")


def _outcome(status: int) -> str:
    return "failed" if status else "passed"


@contextmanager
def _load(processes: int) -> Iterator[None]:
    """Keeps so many cores busy meanwhile."""
    command = (sys.executable, "-c", _BUSY_LOOP, str(os.getpid()))
    # in sessions of their own: Ctrl-C is not theirs to speak of
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
