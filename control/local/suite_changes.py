"""Changing the desired state of a running suite: stop, rolling restart, scaling."""

import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest

from control import replicas, start_messages
from control.context import Context
from control.errors import ControlError
from control.local import preflight, timeouts
from control.local.component import STOP_TIMEOUT_SECONDS
from control.local.readiness import ReadinessWaiter
from control.local.run_directory import DesiredState
from control.local.suite import Suite
from control.start_messages import ComponentFailure

_STOP_MARGIN_SECONDS = 10.0
"""Seconds beyond a component's own timeout within which the supervisor must have ended it."""


@contextmanager
def locked_suite(suite: Suite) -> Iterator[Suite]:
    """Yield the current suite while no other command changes it. Raises ControlError."""
    with suite.run_directory.acquire_command_lock():
        if suite.run_directory.find_supervisor() is None:
            raise ControlError("the supervisor has just ended: run ./manage.py start")
        if not suite.run_directory.read_desired_states():
            file = suite.run_directory.path / "desired_state.json"
            raise ControlError(f"{file} is lost or damaged: run ./manage.py restart")
        yield suite.with_current_replicas()


def update_desired_states(
    context: Context, suite: Suite, changed: Mapping[str, DesiredState], removed: Iterable[str] = ()
) -> None:
    """Change the desired states that `locked_suite` protects, and notify the supervisor."""
    run_directory = suite.run_directory
    states = run_directory.read_desired_states() | dict(changed)
    for name in removed:
        states.pop(name, None)
    supervisor = None
    try:
        run_directory.write_environment(context.suite_environ)
        run_directory.write_desired_states(states)
        if supervisor := run_directory.find_supervisor():
            supervisor.send_signal(signal.SIGHUP)
    finally:
        if not supervisor:
            run_directory.remove_environment()
    if not supervisor:
        raise ControlError("the supervisor has just ended: run ./manage.py start")


def wait_until_stopped(
    context: Context, suite: Suite, names: Sequence[str], *, are_removed: bool = False
) -> None:
    """Wait until none of these components runs; removed ones must have left the status.

    Raises ControlError if the supervisor takes much longer than it should.
    """
    timeouts_by_name = {part.name: part.stop_timeout for part in suite.components}
    timeout = max(timeouts_by_name.get(name, STOP_TIMEOUT_SECONDS) for name in names)
    timeout += _STOP_MARGIN_SECONDS
    deadline = time.monotonic() + timeout
    with context.terminal.step(f"stop {', '.join(names)}"):
        while supervisor := suite.run_directory.find_supervisor():
            if _are_stopped(suite, names, are_removed):
                break
            if time.monotonic() > deadline:
                raise ControlError(
                    f"the supervisor has not ended {', '.join(names)} within {timeout:g} s, as if"
                    f" it were suspended: kill -CONT {supervisor.pid}, or ./manage.py restart"
                )
            time.sleep(timeouts.POLL_SECONDS)
    if supervisor is None:
        suite.run_directory.remove_orphaned_environment()


def _are_stopped(suite: Suite, names: Iterable[str], are_removed: bool) -> bool:
    status = suite.run_directory.read_status()
    known = [status[name] for name in names if name in status]
    return not known if are_removed else all(part.state == "stopped" for part in known)


def stop_services(context: Context, suite: Suite, services: Sequence[str]) -> None:
    """Stop services of a running suite and wait."""
    with locked_suite(suite) as current:
        names = current.component_names_for(services)
        states = current.run_directory.require_desired_states(names)
        update_desired_states(
            context, current, {it: replace(states[it], should_run=False) for it in names}
        )
    wait_until_stopped(context, current, names)


def restart_services(context: Context, suite: Suite, services: Sequence[str]) -> bool:
    """Restart services with the current settings; invalid settings change nothing.

    The replicas of a service restart one after the other, so that the others keep working. If one
    does not become healthy, the remaining ones are left running.
    """
    batches = _plan_rolling_restart(suite.component_names_for(services))
    while batches:
        if failures := _restart(context, suite, batches.pop(0)):
            start_messages.report_failures(context, failures)
            if left := sorted(name for batch in batches for name in batch):
                context.terminal.print_warning(f"left unchanged: {', '.join(left)}")
            return False
    return True


def _plan_rolling_restart(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return batches: the first replica of each service, then the second of each, and so on."""
    by_service: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_service.setdefault(replicas.parse_service_name(name), []).append(name)
    return [tuple(filter(None, batch)) for batch in zip_longest(*by_service.values())]


def _restart(context: Context, suite: Suite, names: Iterable[str]) -> tuple[ComponentFailure, ...]:
    """Return the components that do not become healthy, without those removed meanwhile."""
    with locked_suite(suite) as current:
        present = {part.name for part in current.components}.intersection(names)
        states = current.run_directory.require_desired_states(present)
        restarted = {
            name: replace(state, should_run=True, generation=state.generation + 1)
            for name, state in states.items()
        }
        update_desired_states(context, current, restarted)
    return ReadinessWaiter(current, frozenset(restarted), context.terminal).wait()


def reconcile(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Suite, frozenset[str]]:
    """Start missing components of these services, or of all, and end surplus replicas.

    Crash-looping components restart at once with the current settings. Return the current suite and
    the names of what was missing. Raises ControlError, with nothing changed, if the port of a new
    replica cannot be used.
    """
    with locked_suite(suite) as current:
        surplus = _find_surplus_replicas(current)
        missing = _find_missing(current, current.required_component_names_for(names))
        current.save_replicas()
        if missing or surplus:
            update_desired_states(context, current, missing, surplus)
    if surplus:
        wait_until_stopped(context, current, surplus, are_removed=True)
    return current, frozenset(missing)


def _find_surplus_replicas(suite: Suite) -> list[str]:
    expected = {part.name for part in suite.components}
    # a surplus replica may still be running
    known = suite.run_directory.read_desired_states() | suite.run_directory.read_status()
    surplus = (name for name in known if name not in expected)
    return [name for name in surplus if replicas.parse_service_name(name) != name]


def _find_missing(suite: Suite, required: frozenset[str]) -> dict[str, DesiredState]:
    states = suite.run_directory.read_desired_states()
    new = [part for part in suite.components if part.is_extra_replica and part.name not in states]
    preflight.check_ports(part for part in new if part.name in required)
    states |= {part.name: DesiredState(should_run=False) for part in new}
    status = suite.run_directory.read_status()
    failing = {name for name, known in status.items() if known.is_crash_looping}
    alive = {name for name, known in status.items() if known.state != "stopped"} - failing
    return {
        name: replace(state, should_run=True, generation=state.generation + (name in failing))
        for name, state in states.items()
        if name in required and not (state.should_run and name in alive)
    }
