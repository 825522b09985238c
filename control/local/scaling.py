"""Bringing a suite that runs to what it should be."""

from collections.abc import Iterable
from dataclasses import replace

from control import replicas
from control.context import Context
from control.local import preflight, wishing
from control.local.run_directory import Wish
from control.local.suite import Suite


def fit(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Suite, frozenset[str]]:
    """Start what is missing of these services, or of all, and end replicas that are too many.

    What fails again and again is begun anew at once, with the settings of now. Returns the suite
    that it is now, and what was missing. Raises ControlError, with nothing changed, where a new
    replica's port cannot be had.
    """
    with wishing.alone(suite) as current:
        leaving = _leaving(current)
        missing = _missing(current, current.wanted(names))
        current.keep_replicas()
        if missing or leaving:
            wishing.change(context, current, missing, leaving)
    if leaving:
        wishing.await_stop(context, current, leaving, are_leaving=True)
    return current, frozenset(missing)


def _leaving(suite: Suite) -> list[str]:
    mine = {part.name for part in suite.parts}
    known = suite.run.wishes() | suite.run.status()  # one that still runs may be wished for no more
    return [name for name in known if name not in mine and replicas.service_of(name) != name]


def _missing(suite: Suite, wanted: frozenset[str]) -> dict[str, Wish]:
    wishes = suite.run.wishes()
    new = [part for part in suite.parts if part.is_further and part.name not in wishes]
    preflight.check_ports(part for part in new if part.name in wanted)
    fresh = wishes | {part.name: Wish(run=False) for part in new}
    status = suite.run.status()
    failing = {name for name, known in status.items() if known.keeps_failing}
    alive = {name for name, known in status.items() if known.state != "stopped"} - failing
    return {
        name: replace(wish, run=True, generation=wish.generation + (name in failing))
        for name, wish in fresh.items()
        if name in wanted and not (wish.run and name in alive)
    }
