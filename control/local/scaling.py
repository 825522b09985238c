"""Adjusting a running suite to its settings and replica counts."""

from collections.abc import Iterable
from dataclasses import replace

from control import replicas
from control.context import Context
from control.local import desired_state, preflight
from control.local.run_directory import DesiredState
from control.local.suite import Suite


def reconcile(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Suite, frozenset[str]]:
    """Start missing components of these services, or of all, and end surplus replicas.

    Crash-looping components restart at once with the current settings. Return the current suite and
    the names of what was missing. Raises ControlError, with nothing changed, if the port of a new
    replica cannot be used.
    """
    with desired_state.exclusive_suite(suite) as current:
        surplus = _find_surplus_replicas(current)
        missing = _find_missing(current, current.required_components_for(names))
        current.save_replicas()
        if missing or surplus:
            desired_state.apply(context, current, missing, surplus)
    if surplus:
        desired_state.wait_until_stopped(context, current, surplus, are_removed=True)
    return current, frozenset(missing)


def _find_surplus_replicas(suite: Suite) -> list[str]:
    expected = {part.name for part in suite.components}
    # a surplus replica may still be running
    known = suite.run_directory.read_desired_states() | suite.run_directory.read_status()
    return [
        name for name in known if name not in expected and replicas.parse_service_name(name) != name
    ]


def _find_missing(suite: Suite, required: frozenset[str]) -> dict[str, DesiredState]:
    states = suite.run_directory.read_desired_states()
    new = [part for part in suite.components if part.is_extra_replica and part.name not in states]
    preflight.check_ports(part for part in new if part.name in required)
    fresh = states | {part.name: DesiredState(should_run=False) for part in new}
    status = suite.run_directory.read_status()
    failing = {name for name, known in status.items() if known.is_crash_looping}
    alive = {name for name, known in status.items() if known.state != "stopped"} - failing
    return {
        name: replace(state, should_run=True, generation=state.generation + (name in failing))
        for name, state in fresh.items()
        if name in required and not (state.should_run and name in alive)
    }
