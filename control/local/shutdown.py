"""Ending a suite."""

import signal
import time

from control.local import orphans, timeouts
from control.local.component import DATABASE_STOP_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from control.local.process import Process, find_supervisor_by_environment, wait_for_exit
from control.local.run_directory import RunDirectory
from control.terminal import Terminal

_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS + DATABASE_STOP_TIMEOUT_SECONDS + 10
"""Seconds after which the supervisor counts as stuck."""


def shut_down(run_directory: RunDirectory, terminal: Terminal) -> bool:
    """End everything and wait until it is gone. Return False if nothing was running."""
    supervisor = run_directory.find_supervisor() or (
        None
        if run_directory.path.exists()
        else find_supervisor_by_environment(run_directory.state_dir)
    )
    if supervisor:
        with terminal.step("stop"):
            _terminate_supervisor(supervisor, run_directory, terminal)
    if not run_directory.path.exists():
        return supervisor is not None
    lock = run_directory.acquire_supervisor_lock()
    try:
        had_orphans = orphans.terminate_orphans(run_directory, terminal)
        run_directory.remove_status()
        run_directory.remove_environment()
    finally:
        lock.release()
    return had_orphans or supervisor is not None


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
