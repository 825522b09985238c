"""The status table of the processes."""

import time
from collections.abc import Mapping, Sequence

from control import environment, status_table
from control.context import Context
from control.health import HealthStatus
from control.local.component import Component
from control.local.process import get_resident_memory
from control.local.readiness import check_components_health
from control.local.run_directory import RECORD_REPAIR_HINT, ComponentStatus
from control.local.suite import Suite
from control.status_table import StatusRow


def show_suite(context: Context, suite: Suite, services: Sequence[str]) -> bool:
    """Print the table, or why there is none. Return whether everything is healthy."""
    for file in suite.run_directory.find_damaged_files():
        context.terminal.print_warning(
            f"{file} is damaged and ignored: ./manage.py restart writes it again"
        )
    if suite.run_directory.find_supervisor():
        return show(context, suite, services)
    orphans = suite.run_directory.find_processes()
    if (
        orphans
        and suite.run_directory.path / "supervisor" in suite.run_directory.find_damaged_files()
    ):
        context.terminal.print_warning(
            f"it is unknown whether the supervisor of {', '.join(orphans)} is alive:"
            f" {RECORD_REPAIR_HINT}, else ./manage.py start takes over"
        )
    elif orphans:
        context.terminal.print_warning(
            f"the supervisor is gone, but {', '.join(orphans)} still run:"
            " ./manage.py start takes over"
        )
    else:
        context.terminal.print_line("Smart Assistant is not running.")
    return False


def show(context: Context, suite: Suite, services: Sequence[str] = ()) -> bool:
    """Print the table. Return whether everything is healthy."""
    chosen = suite.component_names_for(services)
    parts = [part for part in suite.components if not chosen or part.name in chosen]
    status = suite.run_directory.read_status()
    running = (part for part in parts if _status_for(status, part).state == "running")
    answers = check_components_health(running)
    rows = (_build_row(part, status, answers.get(part.name)) for part in parts)
    is_healthy = status_table.print_table(context.terminal, rows)
    _warn_if_env_changed(context, suite)
    return is_healthy


def _status_for(status: Mapping[str, ComponentStatus], component: Component) -> ComponentStatus:
    return status.get(component.name, ComponentStatus(state="stopped"))


def find_unmet_dependencies(
    component: Component, status: Mapping[str, ComponentStatus]
) -> list[str]:
    """Return the unready components that a component waits for."""
    if _status_for(status, component).state != "waiting":
        return []
    ready = {name for name, known in status.items() if known.state in ("running", "done")}
    return [
        name for name in component.depends_on if name not in ready or status[name].is_crash_looping
    ]


def combine_health(known: ComponentStatus, checked: HealthStatus | None) -> HealthStatus:
    """Return the result of the health check, or why the component failed the last time."""
    if known.state == "done":
        return HealthStatus(is_healthy=True, detail="done")
    if checked and checked.is_healthy:
        return HealthStatus(
            is_healthy=True, detail=f"ok: {checked.detail}" if checked.detail else "ok"
        )
    if known.is_crash_looping and not (checked and checked.has_answered):
        return HealthStatus(is_healthy=False, detail=known.exit_reason)
    return checked or HealthStatus(is_healthy=False)


def _build_row(
    component: Component, status: Mapping[str, ComponentStatus], checked: HealthStatus | None
) -> StatusRow:
    known = _status_for(status, component)
    health = combine_health(known, checked)
    if needs := find_unmet_dependencies(component, status):
        health = HealthStatus(is_healthy=False, detail=f"waits for {', '.join(needs)}")
    return StatusRow(
        component.name,
        process=str(known.pid or ""),
        state=known.state,
        uptime=time.time() - known.since if known.pid else None,
        restarts=known.restarts,
        memory=get_resident_memory(known.pid) if known.pid else None,
        is_healthy=health.is_healthy,
        health=health.detail,
    )


def _warn_if_env_changed(context: Context, suite: Suite) -> None:
    if environment.is_env_newer_than(context.root, suite.run_directory.path / "supervisor"):
        context.terminal.print_warning(
            ".env has changed since the start: ./manage.py restart takes it over"
        )
