"""Ending the processes that a killed supervisor has left."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from control.local import postgres
from control.local.component import DATABASE_STOP_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from control.local.process import Process, wait_for_exit
from control.local.run_directory import RunDirectory
from control.terminal import Terminal

_DATABASES = {"postgres": postgres.STOP_SIGNAL, "redis": signal.SIGTERM}


def terminate_orphans(run_directory: RunDirectory, terminal: Terminal) -> bool:
    """End every recorded process, databases last. Return whether there were any.

    The caller must hold the supervisor lock, so that no supervisor restarts them.
    """
    orphans = run_directory.find_processes()
    if orphans:
        terminal.show_progress(f"… ending {', '.join(orphans)}")
    services = {name: orphans[name] for name in orphans if name not in _DATABASES}
    databases = {name: orphans[name] for name in orphans if name in _DATABASES}
    _terminate(services, STOP_TIMEOUT_SECONDS)
    _terminate(databases, DATABASE_STOP_TIMEOUT_SECONDS)
    run_directory.remove_process_records()
    if orphans:
        terminal.print_warning(f"ended what a killed supervisor had left: {', '.join(orphans)}")
    return bool(orphans)


def _terminate(orphans: Mapping[str, Process], timeout: float) -> None:
    for name, orphan in orphans.items():
        orphan.send_signal(_DATABASES.get(name, signal.SIGTERM))
    remaining = wait_for_exit(orphans.values(), timeout)
    for orphan in remaining:
        with suppress(ProcessLookupError):
            os.killpg(orphan.pid, signal.SIGKILL)  # each has its own process group
    wait_for_exit(remaining, timeout)
