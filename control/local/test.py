"""The tests as processes of this machine."""

import argparse

from control.context import Context
from control.testing import coverage_gate, program, selection

_FOR_THE_GATE = ("--cov-report=", "-p", "control.testing.cover_key_modules")


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.python(develop=True)
    command = (
        *(python, "-m", "pytest"),
        *selection.IN_PARALLEL,
        *selection.having(selection.not_slow(options)),
        *selection.coverage(options, *_FOR_THE_GATE),
        *selection.paths(options),
        *options.extra,
    )
    status = program.run(command, context.root, context.foreign_environ)
    is_whole = options.all and not options.service and not options.extra
    if is_whole and not coverage_gate.passes(context, python):
        return status or 1
    return status
