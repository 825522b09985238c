"""`test`: run the tests, in local mode unless --docker is given. Does not touch the suite in
use."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from control import modes
from control.context import Context
from control.status_table import format_duration
from control.terminal import Terminal
from control.testing import selection

_BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends when its parent process has ended, for whatever reason."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Run the tests once or --repeat times; after several runs print a summary."""
    selection.validate(options, context.root)
    mode = modes.load("docker" if options.docker else "local", context)
    runs = list[_TestRun]()
    try:
        with _cpu_load(os.cpu_count() or 1 if options.under_load else 0):
            while len(runs) < options.repeat:
                runs.append(_TestRun(time.monotonic()))
                runs[-1].finish(mode.run_tests(options))
                if runs[-1].status == _INTERRUPTED:
                    break
    finally:  # after Ctrl-C too
        if options.repeat > 1:
            _print_summary(context.terminal, runs, options.repeat)
    return next((run.status for run in runs if run.status), 0)


_INTERRUPTED = 2
"""The exit status of pytest after Ctrl-C."""


@dataclass
class _TestRun:
    """One of several runs."""

    started_at: float
    """Time of the monotonic clock."""
    status: int = _INTERRUPTED
    duration_text: str = ""

    def finish(self, status: int) -> None:
        self.status = status
        self.duration_text = f", {format_duration(time.monotonic() - self.started_at)}"

    @property
    def outcome(self) -> str:
        if self.status == _INTERRUPTED:
            return "interrupted"
        return "failed" if self.status else "passed"


def _print_summary(terminal: Terminal, runs: Sequence[_TestRun], requested: int) -> None:
    outcomes = [run.outcome for run in runs]
    for number, run in enumerate(runs, start=1):
        terminal.print_line(f"run {number}: {run.outcome}{run.duration_text}")
    ended = len(runs) - outcomes.count("interrupted")
    terminal.print_line(f"{ended} of {requested} runs, {outcomes.count('failed')} failed")


@contextmanager
def _cpu_load(processes: int) -> Iterator[None]:
    """Keep this number of cores busy inside the context."""
    command = (sys.executable, "-c", _BUSY_LOOP, str(os.getpid()))
    # in their own sessions, so that Ctrl-C does not reach them
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
