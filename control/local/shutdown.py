"""Ending all of a suite."""

import signal
import time

from control.local import takeover, timeouts
from control.local.part import DATABASE_PATIENCE, PATIENCE
from control.local.process import Process, await_end, supervisor_of
from control.local.run_directory import RunDirectory
from control.terminal import Terminal

_PATIENCE = PATIENCE + DATABASE_PATIENCE + 10
"""Seconds after which the supervisor itself is taken to be stuck."""


def shut_down(run: RunDirectory, terminal: Terminal) -> bool:
    """End everything and return when it is gone; false where nothing ran."""
    supervisor = run.supervisor() or (None if run.path.exists() else supervisor_of(run.state_dir))
    if supervisor:
        with terminal.step("stop"):
            _end(supervisor, run, terminal)
    if not run.path.exists():
        return supervisor is not None
    lock = run.lock()
    try:
        strays = takeover.end_strays(run, terminal)
        run.forget_status()
        run.forget_environment()
    finally:
        lock.release()
    return strays or supervisor is not None


def _end(supervisor: Process, run: RunDirectory, terminal: Terminal) -> None:
    supervisor.send(signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while supervisor.lives and time.monotonic() < deadline:
        names = [name for name, part in run.status().items() if part.pid]
        terminal.busy(f"… stopping {', '.join(names)}")
        time.sleep(timeouts.POLL)
    supervisor.send(signal.SIGKILL)
    await_end([supervisor], PATIENCE)
