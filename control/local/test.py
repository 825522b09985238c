"""The tests as processes of this machine."""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control import environment
from control.context import Context
from control.local.process import Process
from control.testing import coverage_gate, program, selection

_ALL_WERE_RUN = (0, 1)
"""The exit statuses of pytest after which the coverage says something: all passed, some failed."""
_FOR_THE_GATE = ("--cov-report=", "-p", "control.testing.cover_key_modules")


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.python(develop=True)
    command = (
        *(python, "-m", "pytest"),
        *selection.in_parallel(options, context.root),
        *selection.having(selection.not_slow(options)),
        *selection.coverage(options, context.root, *_FOR_THE_GATE),
        *selection.paths(options),
        *options.extra,
    )
    if not selection.is_everything(options, context.root):
        return program.run(command, context.root, context.foreign_environ)
    with _folder_of_this_run(context.state_dir) as folder:
        environ = context.foreign_environ | {"COVERAGE_FILE": str(folder / "coverage")}
        status = program.run(command, context.root, environ)
        if status not in _ALL_WERE_RUN:
            return status
        return status if coverage_gate.passes(context, python, environ) else status or 1


@contextmanager
def _folder_of_this_run(state_dir: Path) -> Iterator[Path]:
    """For what is measured: another run in this clone may measure too. Clears what killed ones
    have left."""
    environment.make_state_dir(state_dir)
    parent = state_dir / "coverage"
    parent.mkdir(exist_ok=True)
    for left in parent.glob("[0-9]*"):
        if Process.of(int(left.name)) is None:
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / str(os.getpid())
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
