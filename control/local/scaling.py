"""Bringing a suite that runs to what it should be."""

from collections.abc import Set
from dataclasses import replace

from control import replicas
from control.context import Context
from control.local import preflight, wishing
from control.local.run_directory import Wish
from control.local.suite import Suite


def fit(context: Context, suite: Suite, wanted: Set[str]) -> frozenset[str]:
    """Start what is missing of the wanted parts and end replicas that are too many.

    Returns what was missing. Raises ControlError, with nothing changed, where a new replica's port
    cannot be had.
    """
    wishes = suite.run.wishes()
    mine = {part.name for part in suite.parts}
    leaving = [name for name in wishes if name not in mine and replicas.service_of(name) != name]
    new = [part for part in suite.parts if part.is_further and part.name not in wishes]
    preflight.check_ports(part for part in new if part.name in wanted)
    fresh = wishes | {part.name: Wish(run=False) for part in new}
    missing = {
        name: replace(wish, run=True)
        for name, wish in fresh.items()
        if name in wanted and not wish.run
    }
    suite.keep_replicas()
    if missing or leaving:
        wishing.change(context, suite, missing, leaving)
    if leaving:
        wishing.await_stop(context, suite, leaving)
    return frozenset(missing)
