"""Stopping and starting again."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from itertools import zip_longest

from control import replicas, welcome
from control.context import Context
from control.errors import ControlError
from control.local import start, wishing
from control.local.progress import Progress
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down
from control.local.suite import Suite
from control.problem import Problem


def run(context: Context, options: argparse.Namespace) -> int:
    if options.service:
        return restart_services(context, options.service)
    welcome.begin(context, "local")
    settings = context.settings  # what is wrong with them must not cost the suite that runs
    replicas.read(settings.state_dir, context.services)  # nor a fault of these
    shut_down(RunDirectory(settings.state_dir), context.terminal)
    return start.bring_up(context)


def restart_services(context: Context, names: list[str]) -> int:
    """Fresh processes with the settings of now; what is wrong with them costs nothing.

    One replica of a service after the other, so that the others serve meanwhile; where one does not
    get well, those after it are left alone.
    """
    suite = Suite.of(context, context.virtualenv.python)
    turns = _turns(suite.named(names))
    if suite.run.supervisor() is None:
        raise ControlError("nothing runs: ./manage.py start")
    while turns:
        if problems := _restart(context, suite, turns.pop(0)):
            welcome.report(context, problems)
            if left := sorted(name for turn in turns for name in turn):
                context.terminal.warn(f"left as they are: {', '.join(left)}")
            return 1
    return 0


def _turns(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The first of each service, then the second of each that has one, and so on."""
    by_service: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_service.setdefault(replicas.service_of(name), []).append(name)
    return [tuple(filter(None, turn)) for turn in zip_longest(*by_service.values())]


def _restart(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Problem, ...]:
    """Returns what does not get well, and why; a replica that has left meanwhile is no loss."""
    with wishing.alone(suite) as current:
        here = {part.name for part in current.parts}
        wishes = current.run.wishes_for(name for name in names if name in here)
        fresh = {
            name: replace(wish, run=True, generation=wish.generation + 1)
            for name, wish in wishes.items()
        }
        wishing.change(context, current, fresh)
    return Progress(current, frozenset(fresh), context.terminal).wait()
