"""`start`, `stop`, `restart`, `rebuild`, `status` and `logs`."""

import argparse
import sys
from collections.abc import Iterable

from control import log_tail, mode_selection, replicas, start_messages
from control.context import Context
from control.errors import ControlError, UsageError
from control.mode import Mode
from control.terminal import Terminal


def start(context: Context, options: argparse.Namespace) -> int:
    mode = mode_selection.select(context, options)
    mode.ensure_other_mode_stopped()
    if options.service:
        mode.ensure_manageable()
    start_messages.prepare_environment(context, mode.name)
    requested = replicas.parse_requested(options)
    services = dict.fromkeys((*options.service, *requested)) if options.service else ()
    return 0 if mode.start(services, requested) else 1


def stop(context: Context, options: argparse.Namespace) -> int:
    mode = mode_selection.select(context, options)
    if options.remove:
        return _remove(mode, options)
    was_running = mode.stop_services(options.service) if options.service else mode.stop()
    if not was_running:
        context.terminal.print_line("Nothing runs.")
    return 0


def restart(context: Context, options: argparse.Namespace) -> int:
    mode = mode_selection.select(context, options)
    if options.service:
        mode.ensure_manageable()
        return 0 if mode.restart_services(options.service) else 1
    start_messages.prepare_environment(context, mode.name)
    context.ensure_valid_settings()  # before anything is stopped
    mode.stop()
    return 0 if mode.start() else 1


def rebuild(context: Context, options: argparse.Namespace) -> int:
    mode = mode_selection.select(context, options)
    if options.service:
        mode.ensure_manageable()
    context.ensure_valid_settings()
    return 0 if mode.rebuild(options.service) else 1


def status(context: Context, options: argparse.Namespace) -> int:
    return 0 if mode_selection.select(context, options).show_status(options.service) else 1


def logs(context: Context, options: argparse.Namespace) -> int:
    logs = mode_selection.select(context, options).open_logs(options.service)
    if not logs.names:
        context.terminal.print_line("There are no logs yet: ./manage.py start makes them.")
        return 0
    last = logs.read_last(options.lines)
    log_tail.print_entries(context.terminal, last, logs.names)
    if not last and options.lines:
        context.terminal.print_line(f"The log of {', '.join(logs.names)} is empty.")
    if options.follow:
        log_tail.print_entries(context.terminal, logs.follow(), logs.names)
    return 0


def _remove(mode: Mode, options: argparse.Namespace) -> int:
    if options.service:
        raise UsageError("--remove deletes the data of all services: leave --service out")
    terminal = mode.context.terminal
    data = mode.find_removable_data(is_confirmed=options.yes)
    if data is None:
        terminal.print_line("Nothing to remove.")
        return 0
    confirm_deletion(terminal, data.descriptions, is_confirmed=options.yes)
    data.delete()
    for line in data.list_remaining():
        terminal.print_line(line)
    return 0


def confirm_deletion(terminal: Terminal, items: Iterable[str], *, is_confirmed: bool) -> None:
    """Print what will be deleted. Raises ControlError unless that is confirmed."""
    terminal.print_line("This deletes for good:")
    for item in items:
        terminal.print_line(f"  {item}")
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing is deleted: without a terminal to ask at, add --yes")
    if input("Delete it? Type yes: ").strip().lower() != "yes":
        raise ControlError("nothing is deleted")
