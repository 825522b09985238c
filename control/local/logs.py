"""Showing the logs."""

import argparse

from control import log_tail, replicas
from control.context import Context
from control.errors import ControlError
from control.local.run_directory import RunDirectory
from control.log_tail import LogTail


def run(context: Context, options: argparse.Namespace) -> int:
    logs = RunDirectory(context.state_dir).logs
    available = sorted(log.stem for log in logs.glob("*.log"))
    if not available:
        context.terminal.print_line("There are no logs yet: ./manage.py start makes them.")
        return 0
    names = _select_names(options.service, available)
    tails = [LogTail(name, logs / f"{name}.log") for name in names]
    last = log_tail.merge_last(tails, options.lines)
    log_tail.print_entries(context.terminal, last, names)
    if not last and options.lines:
        context.terminal.print_line(f"Nothing is in the log of {', '.join(names)} yet.")
    if options.follow:
        log_tail.print_entries(context.terminal, log_tail.follow(tails), names)
    return 0


def _select_names(wanted: list[str], available: list[str]) -> list[str]:
    """Without a wish all but the installer's, which is long and of one day."""
    for name in wanted:
        if name not in available:
            raise ControlError(f"there is no log of {name} yet; there are: {', '.join(available)}")
    chosen = wanted or [name for name in available if name != "install"]
    return [name for name in available if replicas.parse_service_name(name) in chosen] or available
