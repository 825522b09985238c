"""The tests as processes of this machine."""

import argparse
from tempfile import TemporaryDirectory

from control.context import Context
from control.testing import coverage_gate, program, selection

_FOR_THE_GATE = ("--cov-report=", "-p", "control.testing.cover_key_modules")


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.python(develop=True)
    command = (
        *(python, "-m", "pytest"),
        *selection.IN_PARALLEL,
        *selection.having(selection.not_slow(options)),
        *selection.coverage(options, context.root, *_FOR_THE_GATE),
        *selection.paths(options),
        *options.extra,
    )
    with TemporaryDirectory(prefix="smart-assistant-coverage-") as folder:
        # of its own: another run in this clone may measure too
        environ = context.foreign_environ | {"COVERAGE_FILE": f"{folder}/coverage"}
        status = program.run(command, context.root, environ)
        if not selection.is_everything(options, context.root):
            return status
        return status if coverage_gate.passes(context, python, environ) else status or 1
