"""`test` in local mode."""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control import environment
from control.context import Context
from control.local.process import Process
from control.testing import coverage_gate, selection, subprocess_runner

_COMPLETED_STATUSES = (0, 1)
"""The exit statuses of pytest after which coverage is meaningful: all passed, or some failed."""
_COVERAGE_GATE_OPTIONS = ("--cov-report=", "-p", "control.testing.key_module_coverage_plugin")


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.ensure_python(develop=True)
    command = (
        *(python, "-m", "pytest"),
        *selection.build_parallel_options(options, context.root),
        *selection.build_marker_options(selection.slow_tests_condition(options)),
        *selection.build_coverage_options(options, context.root, *_COVERAGE_GATE_OPTIONS),
        *selection.service_test_paths(options),
        *options.extra,
    )
    if not selection.is_full_run(options, context.root):
        return subprocess_runner.run(command, context.root, context.environ_without_suite)
    with _temporary_coverage_folder(context.state_dir) as folder:
        environ = context.environ_without_suite | {"COVERAGE_FILE": str(folder / "coverage")}
        status = subprocess_runner.run(command, context.root, environ)
        if status not in _COMPLETED_STATUSES:
            return status
        return status if coverage_gate.check_coverage(context, python, environ) else status or 1


@contextmanager
def _temporary_coverage_folder(state_dir: Path) -> Iterator[Path]:
    """Yield a folder for coverage data of this run only. Removes those of killed runs."""
    environment.make_state_dir(state_dir)
    parent = state_dir / "coverage"
    parent.mkdir(exist_ok=True)
    for stale in parent.glob("[0-9]*"):
        if Process.from_pid(int(stale.name)) is None:
            shutil.rmtree(stale, ignore_errors=True)
    folder = parent / str(os.getpid())
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
