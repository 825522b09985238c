"""Stopping the suite, or a service of it."""

import argparse
import signal
import time
from dataclasses import replace

from control.context import Context
from control.local import takeover, wishing
from control.local.part import DATABASE_PATIENCE, PATIENCE
from control.local.process import Process, await_end
from control.local.run_directory import RunDirectory
from control.local.suite import Suite
from control.terminal import Terminal

_PATIENCE = PATIENCE + DATABASE_PATIENCE + 10
"""Seconds after which the supervisor itself is taken to be stuck."""
_POLL = 0.1


def run(context: Context, options: argparse.Namespace) -> int:
    if options.service:
        return _stop_services(context, options.service)
    if not stop(RunDirectory(context.state_dir), context.terminal):
        context.terminal.line("Nothing runs.")
    return 0


def stop(run: RunDirectory, terminal: Terminal) -> bool:
    """End everything and return when it is gone; false where nothing ran."""
    if not run.path.exists():
        return False
    supervisor = run.supervisor()
    if supervisor:
        with terminal.step("stop"):
            _end(supervisor, run, terminal)
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
        time.sleep(_POLL)
    supervisor.send(signal.SIGKILL)
    await_end([supervisor], PATIENCE)


def _stop_services(context: Context, names: list[str]) -> int:
    suite = Suite.of(context, context.virtualenv.python)
    suite.named(names)
    if suite.run.supervisor() is None:
        context.terminal.line("Nothing runs.")
        return 0
    with wishing.alone(suite) as suite:
        chosen = suite.named(names)
        wishes = suite.run.wishes_for(chosen)
        wishing.change(context, suite, {name: replace(wishes[name], run=False) for name in chosen})
    wishing.await_stop(context, suite, chosen)
    return 0
