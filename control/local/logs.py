"""Showing the logs."""

import argparse
from collections.abc import Iterable

from control import journal
from control.context import Context
from control.errors import ControlError
from control.journal import Entry, Tail
from control.local.run_directory import RunDirectory
from control.terminal import PART_COLOURS


def run(context: Context, options: argparse.Namespace) -> int:
    logs = RunDirectory(context.state_dir).logs
    there = sorted(log.stem for log in logs.glob("*.log"))
    if not there:
        context.terminal.line("There are no logs yet: ./manage.py start makes them.")
        return 0
    names = _names(options.service, there)
    tails = [Tail(name, logs / f"{name}.log") for name in names]
    last = journal.last(tails, options.lines)
    _print(context, last, names)
    if not last and options.lines:
        context.terminal.line(f"Nothing is in the log of {', '.join(names)} yet.")
    if options.follow:
        _print(context, journal.follow(tails), names)
    return 0


def _names(wanted: list[str], there: list[str]) -> list[str]:
    """Without a wish all but the installer's, which is long and of one day."""
    for name in wanted:
        if name not in there:
            raise ControlError(f"there is no log of {name} yet; there are: {', '.join(there)}")
    return wanted or [name for name in there if name != "install"] or there


def _print(context: Context, entries: Iterable[Entry], names: list[str]) -> None:
    width = max(map(len, names), default=0)
    for entry in entries:
        colour = PART_COLOURS[names.index(entry.name) % len(PART_COLOURS)]
        label = context.terminal.paint(f"{entry.name:<{width}} │", colour)
        context.terminal.line(f"{label} {entry.line}")
