"""Telling the supervisor of a suite that runs what is wished for."""

import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from control.context import Context
from control.errors import ControlError
from control.local import timeouts
from control.local.part import PATIENCE
from control.local.run_directory import Wish
from control.local.suite import Suite

_LEEWAY = 10.0
"""Seconds beyond a part's own patience in which the supervisor has ended it."""


@contextmanager
def alone(suite: Suite) -> Iterator[Suite]:
    """The suite as it is now, while no other command changes what is wished for.

    Raises ControlError where nothing can be changed.
    """
    with suite.run.commanding():
        if suite.run.supervisor() is None:
            raise ControlError("the supervisor has just ended: run ./manage.py start")
        if not suite.run.wishes():
            raise ControlError(
                f"{suite.run.path / 'wishes.json'} is lost or damaged: run ./manage.py restart"
            )
        yield suite.anew()


def change(
    context: Context, suite: Suite, changed: Mapping[str, Wish], leaving: Iterable[str] = ()
) -> None:
    """Change the wishes for these, forget those that leave, and have it looked at: `alone`.

    What begins anew does so with the settings of now, as this command sees them.
    """
    wishes = suite.run.wishes() | dict(changed)
    for name in leaving:
        wishes.pop(name, None)
    is_told = False
    try:
        suite.run.write_environment(context.suite_environ)
        suite.run.write_wishes(wishes)
        if supervisor := suite.run.supervisor():
            supervisor.send(signal.SIGHUP)
            is_told = True
    finally:
        if not is_told:
            suite.run.forget_environment()
    if not is_told:
        raise ControlError("the supervisor has just ended: run ./manage.py start")


def await_stop(
    context: Context,
    suite: Suite,
    names: Iterable[str],
    leeway: float = _LEEWAY,
    *,
    are_leaving: bool = False,
) -> None:
    """Return when none of these runs any more, showing it; those that leave are in no status then.

    Raises ControlError where the supervisor has not seen to it `leeway` seconds after it had to.
    """
    names = tuple(names)
    patience = leeway + max(_patience(suite, name) for name in names)
    deadline = time.monotonic() + patience
    with context.terminal.step(f"stop {', '.join(names)}"):
        while (supervisor := suite.run.supervisor()) and not _are_stopped(
            suite, names, are_leaving
        ):
            if time.monotonic() > deadline:
                raise ControlError(
                    f"the supervisor has not ended {', '.join(names)} within {patience:g} s, as if"
                    f" it were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            time.sleep(timeouts.POLL)
    if supervisor is None:
        suite.run.forget_orphan()


def _patience(suite: Suite, name: str) -> float:
    return next((part.patience for part in suite.parts if part.name == name), PATIENCE)


def _are_stopped(suite: Suite, names: Iterable[str], are_leaving: bool) -> bool:
    status = suite.run.status()
    known = [status[name] for name in names if name in status]
    return not known if are_leaving else all(one.state == "stopped" for one in known)
