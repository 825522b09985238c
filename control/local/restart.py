"""Stopping and starting again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from control import replicas, start_messages
from control.context import Context
from control.errors import ControlError
from control.local import desired_state
from control.local.readiness import ReadinessWaiter
from control.local.run_directory import RunDirectory
from control.local.suite import Suite
from control.start_messages import ComponentFailure


def restart_services(context: Context, names: Sequence[str]) -> bool:
    """Fresh processes with the settings of now; what is wrong with them costs nothing.

    One replica of a service after the other, so that the others serve meanwhile; where one does not
    get well, those after it are left alone.
    """
    if RunDirectory(context.state_dir).find_supervisor() is None:
        raise ControlError("nothing runs: ./manage.py start")
    suite = Suite.from_context(context, context.virtualenv.python)
    batches = _plan_rolling_restart(suite.component_names_for(names))
    while batches:
        if problems := _restart(context, suite, batches.pop(0)):
            start_messages.report_failures(context, problems)
            if left := sorted(name for turn in batches for name in turn):
                context.terminal.print_warning(f"left as they are: {', '.join(left)}")
            return False
    return True


def _plan_rolling_restart(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The first of each service, then the second of each that has one, and so on."""
    by_service: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_service.setdefault(replicas.parse_service_name(name), []).append(name)
    return [tuple(filter(None, turn)) for turn in zip_longest(*by_service.values())]


def _restart(context: Context, suite: Suite, names: Iterable[str]) -> tuple[ComponentFailure, ...]:
    """Returns what does not get well, and why; a replica that has left meanwhile is no loss."""
    with desired_state.exclusive_suite(suite) as current:
        here = {part.name for part in current.components}
        wishes = current.run_directory.require_desired_states(
            name for name in names if name in here
        )
        fresh = {
            name: replace(wish, should_run=True, generation=wish.generation + 1)
            for name, wish in wishes.items()
        }
        desired_state.apply(context, current, fresh)
    return ReadinessWaiter(current, frozenset(fresh), context.terminal).wait()
