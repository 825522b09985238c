"""`bench`: measures a suite of its own beside a bare bot. Does not touch the suite in use."""

import argparse
import os
import sys
from pathlib import Path

from control import benchmark_report, benchmark_scenarios, environment
from control.context import Context
from control.errors import ControlError, UsageError
from control.extra_virtualenv import ExtraVirtualenv
from control.file_lock import FileLock
from control.testing import subprocess_runner

_VIRTUALENV = ExtraVirtualenv("the bare bot", "requirements-bench.txt")


def run(context: Context, options: argparse.Namespace) -> int:
    """Run the scenarios. Return 1 if one could not be measured."""
    _validate(options)
    environment.make_state_dir(context.state_dir)
    home = context.state_dir / "bench"
    home.mkdir(exist_ok=True)
    with _acquire_lock(home) as lock:
        bare_python = _VIRTUALENV.ensure(context, home / "environment", lock)
        python = context.ensure_python(develop=True)
        command = [str(python), *subprocess_runner.INTERRUPTIBLE, "tests.load.run"]
        command += ["--bare-python", str(bare_python), *_build_arguments(options)]
        return subprocess_runner.run(command, context.root, context.environ_without_suite)


def _validate(options: argparse.Namespace) -> None:
    """Report before any action what can only fail at the end."""
    if options.docker:
        raise UsageError("bench measures processes of this machine; it cannot use --docker")
    if sys.platform != "linux":
        raise ControlError("bench reads /proc, so it runs only on Linux")
    if options.compare:
        names = options.scenarios or benchmark_scenarios.DEFAULT
        benchmark_report.ensure_comparable(options.compare, names)
    if options.json:
        _ensure_writable(options.json)


def _ensure_writable(file: Path) -> None:
    """Raise UsageError if a file cannot be written. Leaves its content, and no new file."""
    if not file.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}")
    is_new = not os.path.lexists(file)
    try:
        file.open("a").close()
        if is_new:
            file.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def _acquire_lock(home: Path) -> FileLock:
    lock = FileLock.try_acquire(home)
    if lock is None:
        raise ControlError("another ./manage.py bench is running, and each would slow the other")
    return lock


def _build_arguments(options: argparse.Namespace) -> list[str]:
    arguments = ["--quick"] if options.quick else []
    for name in ("runs", "minutes"):
        if (amount := getattr(options, name)) is not None:
            arguments += [f"--{name}", str(amount)]
    for name in ("json", "compare"):  # the command runs in the folder of the repository
        if file := getattr(options, name):
            arguments += [f"--{name}", str(file.absolute())]
    return [*arguments, *options.scenarios]
