"""Stopping the suite, or a service of it."""

import argparse
from dataclasses import replace

from control.context import Context
from control.local import desired_state, remove
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down
from control.local.suite import Suite


def run(context: Context, options: argparse.Namespace) -> int:
    if options.remove:
        return remove.run(context, options)
    if options.service:
        return _stop_services(context, options.service)
    if not shut_down(RunDirectory(context.state_dir), context.terminal):
        context.terminal.print_line("Nothing runs.")
    return 0


def _stop_services(context: Context, names: list[str]) -> int:
    suite = Suite.from_context(context, context.virtualenv.python)
    suite.component_names_for(names)
    if suite.run_directory.find_supervisor() is None:
        context.terminal.print_line("Nothing runs.")
        return 0
    with desired_state.exclusive_suite(suite) as suite:
        chosen = suite.component_names_for(names)
        wishes = suite.run_directory.require_desired_states(chosen)
        desired_state.apply(
            context, suite, {name: replace(wishes[name], should_run=False) for name in chosen}
        )
    desired_state.wait_until_stopped(context, suite, chosen)
    return 0
