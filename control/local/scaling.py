"""Bringing a suite that runs to what it should be."""

from collections.abc import Iterable
from dataclasses import replace

from control import replicas
from control.context import Context
from control.local import desired_state, preflight
from control.local.run_directory import DesiredState
from control.local.suite import Suite


def reconcile(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Suite, frozenset[str]]:
    """Start what is missing of these services, or of all, and end replicas that are too many.

    What fails again and again is begun anew at once, with the settings of now. Returns the suite
    that it is now, and what was missing. Raises ControlError, with nothing changed, where a new
    replica's port cannot be had.
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
    known = (
        suite.run_directory.read_desired_states() | suite.run_directory.read_status()
    )  # one that still runs may be wished for no more
    return [
        name for name in known if name not in expected and replicas.parse_service_name(name) != name
    ]


def _find_missing(suite: Suite, required: frozenset[str]) -> dict[str, DesiredState]:
    wishes = suite.run_directory.read_desired_states()
    new = [part for part in suite.components if part.is_extra_replica and part.name not in wishes]
    preflight.check_ports(part for part in new if part.name in required)
    fresh = wishes | {part.name: DesiredState(should_run=False) for part in new}
    status = suite.run_directory.read_status()
    failing = {name for name, known in status.items() if known.is_crash_looping}
    alive = {name for name, known in status.items() if known.state != "stopped"} - failing
    return {
        name: replace(wish, should_run=True, generation=wish.generation + (name in failing))
        for name, wish in fresh.items()
        if name in required and not (wish.should_run and name in alive)
    }
