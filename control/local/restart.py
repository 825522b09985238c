"""Stopping and starting again."""

import argparse
from dataclasses import replace

from control import welcome
from control.context import Context
from control.errors import ControlError
from control.local import start, stop, wishing
from control.local.progress import Progress
from control.local.run_directory import RunDirectory
from control.local.suite import Suite


def run(context: Context, options: argparse.Namespace) -> int:
    if options.service:
        return _restart_services(context, options.service)
    welcome.begin(context, "local")
    settings = context.settings  # what is wrong with them must not cost the suite that runs
    stop.stop(RunDirectory(settings.state_dir), context.terminal)
    return start.bring_up(context)


def _restart_services(context: Context, names: list[str]) -> int:
    """A fresh process with the settings of now; what is wrong with them costs nothing."""
    suite = Suite.of(context, context.virtualenv.python)
    chosen = frozenset(suite.named(names))
    if suite.run.supervisor() is None:
        raise ControlError("nothing runs: ./manage.py start")
    fresh = {
        name: replace(wish, run=True, generation=wish.generation + 1)
        for name, wish in suite.run.wishes_for(chosen).items()
    }
    wishing.change(context, suite, fresh)
    return 1 if Progress(suite, chosen, context.terminal).wait() else 0
