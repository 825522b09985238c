"""Rolling restart."""

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
    """Restart services with the current settings; invalid settings change nothing.

    The replicas of a service restart one after the other, so that the others keep working. If one
    does not become healthy, the remaining ones are left running.
    """
    if RunDirectory(context.state_dir).find_supervisor() is None:
        raise ControlError("nothing runs: ./manage.py start")
    suite = Suite.from_context(context, context.virtualenv.python)
    batches = _plan_rolling_restart(suite.component_names_for(names))
    while batches:
        if problems := _restart(context, suite, batches.pop(0)):
            start_messages.report_failures(context, problems)
            if left := sorted(name for turn in batches for name in turn):
                context.terminal.print_warning(f"left unchanged: {', '.join(left)}")
            return False
    return True


def _plan_rolling_restart(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return batches: the first replica of each service, then the second of each, and so on."""
    by_service: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_service.setdefault(replicas.parse_service_name(name), []).append(name)
    return [tuple(filter(None, turn)) for turn in zip_longest(*by_service.values())]


def _restart(context: Context, suite: Suite, names: Iterable[str]) -> tuple[ComponentFailure, ...]:
    """Return the components that do not become healthy. Replicas that were removed meanwhile are
    ignored."""
    with desired_state.exclusive_suite(suite) as current:
        here = {part.name for part in current.components}
        states = current.run_directory.require_desired_states(
            name for name in names if name in here
        )
        fresh = {
            name: replace(state, should_run=True, generation=state.generation + 1)
            for name, state in states.items()
        }
        desired_state.apply(context, current, fresh)
    return ReadinessWaiter(current, frozenset(fresh), context.terminal).wait()
