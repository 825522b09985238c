"""Stopping the suite, or a service of it."""

import argparse
from dataclasses import replace

from control.context import Context
from control.local import remove, wishing
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down
from control.local.suite import Suite


def run(context: Context, options: argparse.Namespace) -> int:
    if options.remove:
        return remove.run(context, options)
    if options.service:
        return _stop_services(context, options.service)
    if not shut_down(RunDirectory(context.state_dir), context.terminal):
        context.terminal.line("Nothing runs.")
    return 0


def _stop_services(context: Context, names: list[str]) -> int:
    suite = Suite.of(context, context.virtualenv.python)
    suite.named(names)
    if suite.run.supervisor() is None:
        context.terminal.line("Nothing runs.")
        return 0
    with wishing.alone(suite) as suite:
        chosen = suite.named(names)
        wishes = suite.run.wishes_for(chosen)
        wishing.change(context, suite, {name: replace(wishes[name], run=False) for name in chosen})
    wishing.await_stop(context, suite, chosen)
    return 0
