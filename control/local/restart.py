"""Stopping and starting again."""

import argparse
from dataclasses import replace

from control.context import Context
from control.errors import ControlError
from control.local import start, stop
from control.local.progress import Progress
from control.local.run_directory import RunDirectory
from control.local.suite import Suite


def run(context: Context, options: argparse.Namespace) -> int:
    if options.service:
        return _restart_services(context, options.service)
    stop.stop(RunDirectory(context.state_dir), context.terminal)
    return start.run(context, options)


def _restart_services(context: Context, names: list[str]) -> int:
    """A fresh process with the values that the suite was started with."""
    suite = Suite(context.settings, context.services, context.virtualenv.python)
    chosen = frozenset(suite.part(name).name for name in names)
    if suite.run.supervisor() is None:
        raise ControlError("nothing runs: ./manage.py start")
    wishes = suite.run.wishes()
    fresh = {
        name: replace(wishes[name], run=True, generation=wishes[name].generation + 1)
        for name in chosen
    }
    suite.run.write_wishes(wishes | fresh)
    start.tell_supervisor(suite)
    return 1 if Progress(suite, chosen, context.terminal).wait() else 0
