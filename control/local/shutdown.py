"""Ending a suite, and the processes that a killed supervisor has left."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

from control.local import postgres, timeouts
from control.local.component import DATABASE_STOP_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from control.local.process import Process, find_supervisor_by_environment, wait_for_exit
from control.local.run_directory import RunDirectory
from control.terminal import Terminal

_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS + DATABASE_STOP_TIMEOUT_SECONDS + 10
"""Seconds after which the supervisor counts as stuck."""
_DATABASES = {"postgres": postgres.STOP_SIGNAL, "redis": signal.SIGTERM}


def shut_down(run_directory: RunDirectory, terminal: Terminal) -> bool:
    """End everything and wait until it is gone. Return False if nothing was running."""
    supervisor = (
        run_directory.find_supervisor()
        if run_directory.path.exists()
        else find_supervisor_by_environment(run_directory.state_dir)
    )
    if supervisor:
        with terminal.step("stop"):
            _terminate_supervisor(supervisor, run_directory, terminal)
    if not run_directory.path.exists():
        return supervisor is not None
    with run_directory.acquire_supervisor_lock():
        had_orphans = terminate_orphans(run_directory, terminal)
        run_directory.remove_status()
        run_directory.remove_environment()
    return had_orphans or supervisor is not None


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


def _terminate_supervisor(
    supervisor: Process, run_directory: RunDirectory, terminal: Terminal
) -> None:
    supervisor.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while supervisor.is_alive and time.monotonic() < deadline:
        names = [name for name, part in run_directory.read_status().items() if part.pid]
        terminal.show_progress(f"… stopping {', '.join(names)}")
        time.sleep(timeouts.POLL_SECONDS)
    supervisor.send_signal(signal.SIGKILL)
    wait_for_exit([supervisor], STOP_TIMEOUT_SECONDS)


def _terminate(orphans: Mapping[str, Process], timeout: float) -> None:
    for name, orphan in orphans.items():
        orphan.send_signal(_DATABASES.get(name, signal.SIGTERM))
    remaining = wait_for_exit(orphans.values(), timeout)
    for orphan in remaining:
        with suppress(ProcessLookupError):
            os.killpg(orphan.pid, signal.SIGKILL)  # each has its own process group
    wait_for_exit(remaining, timeout)
