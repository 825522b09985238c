"""Running the tests, beside whatever is in use: here unless Docker is asked for."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from control.context import Context
from control.table import duration
from control.terminal import Terminal
from control.testing import selection

RunTests = Callable[[Context, argparse.Namespace], int]
_BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends by itself when the command that started it has gone, whatever ended that."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Once, or as often as asked; the last lines tell what became of each time."""
    selection.check(options, context.root)
    mode = "docker" if options.docker else "local"
    run_tests: RunTests = import_module(f"control.{mode}.test").run
    runs = list[_Run]()
    try:
        with _load(os.cpu_count() or 1 if options.beside_load else 0):
            while len(runs) < options.repeat:
                runs.append(_Run(time.monotonic()))
                runs[-1].end(run_tests(context, options))
                if runs[-1].status == _INTERRUPTED:
                    break
    finally:  # after Ctrl-C too
        if options.repeat > 1:
            _print_summary(context.terminal, runs, options.repeat)
    return next((run.status for run in runs if run.status), 0)


_INTERRUPTED = 2
"""The exit status of pytest after Ctrl-C."""


@dataclass
class _Run:
    """One of several runs of the same tests."""

    begun: float
    """By the monotonic clock."""
    status: int = _INTERRUPTED
    took: str = ""

    def end(self, status: int) -> None:
        self.status = status
        self.took = f", {duration(time.monotonic() - self.begun)}"

    @property
    def outcome(self) -> str:
        if self.status == _INTERRUPTED:
            return "interrupted"
        return "failed" if self.status else "passed"


def _print_summary(terminal: Terminal, runs: Sequence[_Run], asked: int) -> None:
    outcomes = [run.outcome for run in runs]
    for number, run in enumerate(runs, start=1):
        terminal.line(f"run {number}: {run.outcome}{run.took}")
    ended = len(runs) - outcomes.count("interrupted")
    terminal.line(f"{ended} of {asked} runs, {outcomes.count('failed')} failed")


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
