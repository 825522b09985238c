"""Telling the supervisor of a suite that runs what is wished for."""

import signal
import time
from collections.abc import Iterable, Mapping

from control.context import Context
from control.errors import ControlError
from control.local.run_directory import Wish
from control.local.suite import Suite

_POLL = 0.1


def change(
    context: Context, suite: Suite, changed: Mapping[str, Wish], leaving: Iterable[str] = ()
) -> None:
    """Change the wishes for these, forget those that leave, and have it looked at.

    What begins anew does so with the settings of now, as this command sees them.
    """
    wishes = suite.run.wishes() | dict(changed)
    for name in leaving:
        wishes.pop(name, None)
    suite.run.write_environment(context.suite_environ)
    suite.run.write_wishes(wishes)
    supervisor = suite.run.supervisor()
    if supervisor is None:
        raise ControlError("the supervisor has just ended: run ./manage.py start")
    supervisor.send(signal.SIGHUP)


def await_stop(context: Context, suite: Suite, names: Iterable[str]) -> None:
    """Return when none of these runs any more, showing it."""
    names = tuple(names)
    with context.terminal.step(f"stop {', '.join(names)}"):
        while suite.run.supervisor() and not _are_stopped(suite, names):
            time.sleep(_POLL)


def _are_stopped(suite: Suite, names: Iterable[str]) -> bool:
    status = suite.run.status()
    return all(name not in status or status[name].state == "stopped" for name in names)
