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
    if unknown := [name for name in options.service if name not in there]:
        raise ControlError(
            f"no log of {unknown[0]!r} in {logs}; there are: {', '.join(there) or 'none'}"
        )
    names = options.service or [name for name in there if name != "install"]
    tails = [Tail(name, logs / f"{name}.log") for name in names]
    _print(context, journal.last(tails, options.lines), names)
    if options.follow:
        _print(context, journal.follow(tails), names)
    return 0


def _print(context: Context, entries: Iterable[Entry], names: list[str]) -> None:
    width = max(map(len, names), default=0)
    for entry in entries:
        colour = PART_COLOURS[names.index(entry.name) % len(PART_COLOURS)]
        label = context.terminal.paint(f"{entry.name:<{width}} │", colour)
        context.terminal.line(f"{label} {entry.line}")
