"""`test` (in local mode unless --docker is given), `chaos` and `fuzz`: not of the suite in use."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from control import mode_selection
from control.context import Context
from control.status_table import format_duration
from control.terminal import Terminal
from control.testing import selection, subprocess_runner

_BUSY_LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
"""Ends when its parent process has ended, for whatever reason."""
_INTERRUPTED = 2
_OUTCOMES = {0: "passed", _INTERRUPTED: "interrupted"}


def run(context: Context, options: argparse.Namespace) -> int:
    """Run the tests once or --repeat times; after several runs print a summary."""
    selection.validate(options, context.root)
    mode = mode_selection.load("docker" if options.docker else "local", context)
    statuses, durations = list[int](), list[str]()
    try:
        with _under_cpu_load(os.cpu_count() or 1 if options.under_load else 0):
            while len(durations) < options.repeat and _INTERRUPTED not in statuses:
                started_at = time.monotonic()
                statuses.append(_INTERRUPTED)  # which it stays if Ctrl-C ends the run
                statuses[-1] = mode.run_tests(options)
                durations.append(f", {format_duration(time.monotonic() - started_at)}")
    finally:  # after Ctrl-C too
        if options.repeat > 1:
            _print_summary(context.terminal, statuses, durations, options.repeat)
    return next(filter(None, statuses), 0)


def chaos(context: Context, options: argparse.Namespace) -> int:
    amounts = {name: getattr(options, name) for name in ("minutes", "messages", "chats")}
    return _run_python_module(context, "tests.chaos.storm.run", amounts | {"seed": options.seed})


def fuzz(context: Context, options: argparse.Namespace) -> int:
    amounts = {"cases": options.cases, "seed": options.seed}
    return _run_python_module(context, "rest_service.tests.fuzz", amounts)


def _print_summary(
    terminal: Terminal, statuses: Sequence[int], durations: Sequence[str], requested: int
) -> None:
    outcomes = [_OUTCOMES.get(status, "failed") for status in statuses]
    for number, (outcome, duration) in enumerate(zip_longest(outcomes, durations, fillvalue=""), 1):
        terminal.print_line(f"run {number}: {outcome}{duration}")
    ended = len(outcomes) - outcomes.count("interrupted")
    terminal.print_line(f"{ended} of {requested} runs, {outcomes.count('failed')} failed")


@contextmanager
def _under_cpu_load(processes: int) -> Iterator[None]:
    command = (sys.executable, "-c", _BUSY_LOOP, str(os.getpid()))
    # in their own sessions, so that Ctrl-C does not reach them
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _run_python_module(context: Context, module: str, amounts: dict[str, int | None]) -> int:
    python = context.ensure_python(develop=True)
    command = [str(python), *subprocess_runner.INTERRUPTIBLE, module]
    for name, amount in amounts.items():
        if amount is not None:
            command += [f"--{name}", str(amount)]
    return subprocess_runner.run(command, context.root, context.environ_without_suite)
