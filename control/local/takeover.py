"""Ending what a killed supervisor has left running."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from control.local import postgres
from control.local.part import DATABASE_PATIENCE, PATIENCE
from control.local.process import Process, await_end
from control.local.run_directory import RunDirectory
from control.terminal import Terminal

_DATABASES = {"postgres": postgres.STOP_SIGNAL, "redis": signal.SIGTERM}


def end_strays(run: RunDirectory, terminal: Terminal) -> bool:
    """End every recorded process that lives, databases last; whether there were any.

    The caller holds the lock, so no supervisor is there to start them again.
    """
    strays = run.processes()
    if strays:
        terminal.busy(f"… ending {', '.join(strays)}")
    services = {name: strays[name] for name in strays if name not in _DATABASES}
    databases = {name: strays[name] for name in strays if name in _DATABASES}
    _end(services, PATIENCE)
    _end(databases, DATABASE_PATIENCE)
    run.forget_processes()
    if strays:
        terminal.warn(f"ended what a killed supervisor had left: {', '.join(strays)}")
    return bool(strays)


def _end(strays: Mapping[str, Process], patience: float) -> None:
    for name, stray in strays.items():
        stray.send(_DATABASES.get(name, signal.SIGTERM))
    stubborn = await_end(strays.values(), patience)
    for stray in stubborn:
        with suppress(ProcessLookupError):
            os.killpg(stray.pid, signal.SIGKILL)  # each was given a group of its own
    await_end(stubborn, patience)
