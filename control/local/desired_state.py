"""Changing the desired state of a running suite."""

import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from control.context import Context
from control.errors import ControlError
from control.local import timeouts
from control.local.component import STOP_TIMEOUT_SECONDS
from control.local.run_directory import DesiredState
from control.local.suite import Suite

_STOP_MARGIN_SECONDS = 10.0
"""Seconds beyond a component's own timeout within which the supervisor must have ended it."""


@contextmanager
def exclusive_suite(suite: Suite) -> Iterator[Suite]:
    """Yield the current suite while no other command changes its desired state.

    Raises ControlError if it cannot be changed.
    """
    with suite.run_directory.command_lock():
        if suite.run_directory.find_supervisor() is None:
            raise ControlError("the supervisor has just ended: run ./manage.py start")
        if not suite.run_directory.read_desired_states():
            raise ControlError(
                f"{suite.run_directory.path / 'desired_state.json'} is lost or damaged:"
                " run ./manage.py restart"
            )
        yield suite.with_current_replicas()


def apply(
    context: Context, suite: Suite, changed: Mapping[str, DesiredState], removed: Iterable[str] = ()
) -> None:
    """Change the desired states of some components, remove others and notify the supervisor.
    Requires `exclusive_suite`.

    Components start with the settings that this command sees.
    """
    states = suite.run_directory.read_desired_states() | dict(changed)
    for name in removed:
        states.pop(name, None)
    is_notified = False
    try:
        suite.run_directory.write_environment(context.suite_environ)
        suite.run_directory.write_desired_states(states)
        if supervisor := suite.run_directory.find_supervisor():
            supervisor.send_signal(signal.SIGHUP)
            is_notified = True
    finally:
        if not is_notified:
            suite.run_directory.remove_environment()
    if not is_notified:
        raise ControlError("the supervisor has just ended: run ./manage.py start")


def wait_until_stopped(
    context: Context,
    suite: Suite,
    names: Iterable[str],
    margin: float = _STOP_MARGIN_SECONDS,
    *,
    are_removed: bool = False,
) -> None:
    """Wait until none of these components runs; removed ones must have left the status.

    Raises ControlError if the supervisor takes more than `margin` seconds longer than it should.
    """
    names = tuple(names)
    timeout = margin + max(_stop_timeout(suite, name) for name in names)
    deadline = time.monotonic() + timeout
    with context.terminal.step(f"stop {', '.join(names)}"):
        while (supervisor := suite.run_directory.find_supervisor()) and not _are_stopped(
            suite, names, are_removed
        ):
            if time.monotonic() > deadline:
                raise ControlError(
                    f"the supervisor has not ended {', '.join(names)} within {timeout:g} s, as if"
                    f" it were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            time.sleep(timeouts.POLL_SECONDS)
    if supervisor is None:
        suite.run_directory.remove_orphaned_environment()


def _stop_timeout(suite: Suite, name: str) -> float:
    return next(
        (part.stop_timeout for part in suite.components if part.name == name), STOP_TIMEOUT_SECONDS
    )


def _are_stopped(suite: Suite, names: Iterable[str], are_removed: bool) -> bool:
    status = suite.run_directory.read_status()
    known = [status[name] for name in names if name in status]
    return not known if are_removed else all(one.state == "stopped" for one in known)
