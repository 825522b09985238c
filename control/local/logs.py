"""Showing the logs."""

import argparse

from control import journal, replicas
from control.context import Context
from control.errors import ControlError
from control.journal import Tail
from control.local.run_directory import RunDirectory


def run(context: Context, options: argparse.Namespace) -> int:
    logs = RunDirectory(context.state_dir).logs
    there = sorted(log.stem for log in logs.glob("*.log"))
    if not there:
        context.terminal.line("There are no logs yet: ./manage.py start makes them.")
        return 0
    names = _names(options.service, there)
    tails = [Tail(name, logs / f"{name}.log") for name in names]
    last = journal.last(tails, options.lines)
    journal.show(context.terminal, last, names)
    if not last and options.lines:
        context.terminal.line(f"Nothing is in the log of {', '.join(names)} yet.")
    if options.follow:
        journal.show(context.terminal, journal.follow(tails), names)
    return 0


def _names(wanted: list[str], there: list[str]) -> list[str]:
    """Without a wish all but the installer's, which is long and of one day."""
    for name in wanted:
        if name not in there:
            raise ControlError(f"there is no log of {name} yet; there are: {', '.join(there)}")
    chosen = wanted or [name for name in there if name != "install"]
    return [name for name in there if replicas.service_of(name) in chosen] or there
