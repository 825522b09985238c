"""The state of the processes: the status table, and what `./manage.py doctor` reports."""

import time
from collections.abc import Iterator, Mapping, Sequence

from control import environment, status_table
from control.context import Context
from control.finding import Finding, make_error
from control.health import HealthStatus
from control.local.component import Component
from control.local.process import get_resident_memory
from control.local.readiness import check_components_health
from control.local.run_directory import RECORD_REPAIR_HINT, ComponentStatus, RunDirectory
from control.local.suite import Suite
from control.status_table import StatusRow

_RESTART_ADVICE = "fix the cause and run ./manage.py restart; ./manage.py logs says more"


def show_suite(context: Context, suite: Suite, services: Sequence[str]) -> bool:
    """Print the table, or why there is none. Return whether everything is healthy."""
    warn, run_directory = context.terminal.print_warning, suite.run_directory
    damaged_files = run_directory.find_damaged_files()
    for file in damaged_files:
        warn(f"{file} is damaged and ignored: ./manage.py restart writes it again")
    if run_directory.find_supervisor():
        return show_table(context, suite, services)
    orphans = ", ".join(run_directory.find_processes())
    if not orphans:
        context.terminal.print_line("Smart Assistant is not running.")
    elif run_directory.path / "supervisor" in damaged_files:
        problem = f"it is unknown whether the supervisor of {orphans} is alive"
        warn(f"{problem}: {RECORD_REPAIR_HINT}, else ./manage.py start takes over")
    else:
        warn(f"the supervisor is gone, but {orphans} still run: ./manage.py start takes over")
    return False


def show_table(context: Context, suite: Suite, services: Sequence[str] = ()) -> bool:
    """Print the table. Return whether everything is healthy."""
    chosen = suite.component_names_for(services)
    parts = [part for part in suite.components if not chosen or part.name in chosen]
    status = suite.run_directory.read_status()
    running = (part for part in parts if _status_for(status, part).state == "running")
    answers = check_components_health(running)
    rows = (_build_row(part, status, answers.get(part.name)) for part in parts)
    is_healthy = status_table.print_table(context.terminal, rows)
    if environment.is_env_newer_than(context.root, suite.run_directory.path / "supervisor"):
        change = ".env has changed since the start"
        context.terminal.print_warning(f"{change}: ./manage.py restart takes it over")
    return is_healthy


def check_processes(context: Context) -> Iterator[Finding]:
    """Yield one finding for each unhealthy component, or one for the whole suite."""
    run_directory = RunDirectory(context.state_dir)
    status = run_directory.read_status()
    if run_directory.find_supervisor() is None:
        if status:  # an orderly stop removes it
            advice = "./manage.py start starts it again"
            yield make_error("suite", "was started and not stopped, and does not run", advice)
        else:
            yield Finding("suite", "does not run; ./manage.py start starts it")
        return
    suite = Suite.from_context(context, context.virtualenv.python)
    desired = {name for name, it in run_directory.read_desired_states().items() if it.should_run}
    parts = [part for part in suite.components if part.name in desired]
    known = {part.name: status.get(part.name, ComponentStatus()) for part in parts}
    answers = check_components_health(it for it in parts if known[it.name].state == "running")
    is_healthy = True
    for part in parts:
        health = _combine_health(known[part.name], answers.get(part.name))
        is_healthy = is_healthy and health.is_healthy
        # the cause is reported by its own line
        if not health.is_healthy and not _find_unmet_dependencies(part, status):
            reason = health.detail.rstrip(".") or f"is {known[part.name].state}"
            yield make_error("suite", f"{part.name}: {reason}", _RESTART_ADVICE)
    if is_healthy:
        yield Finding("suite", f"runs as processes, all {len(parts)} components are healthy")


def _status_for(status: Mapping[str, ComponentStatus], component: Component) -> ComponentStatus:
    return status.get(component.name, ComponentStatus(state="stopped"))


def _find_unmet_dependencies(
    component: Component, status: Mapping[str, ComponentStatus]
) -> list[str]:
    if _status_for(status, component).state != "waiting":
        return []
    ready = {name for name, known in status.items() if known.state in ("running", "done")}
    ready -= {name for name in ready if status[name].is_crash_looping}
    return [name for name in component.depends_on if name not in ready]


def _combine_health(known: ComponentStatus, checked: HealthStatus | None) -> HealthStatus:
    """Return the result of the health check, or why the component failed the last time."""
    if known.state == "done":
        return HealthStatus(is_healthy=True, detail="done")
    if checked and checked.is_healthy:
        return HealthStatus(True, f"ok: {checked.detail}" if checked.detail else "ok")
    if known.is_crash_looping and not (checked and checked.has_answered):
        return HealthStatus(is_healthy=False, detail=known.exit_reason)
    return checked or HealthStatus(is_healthy=False)


def _build_row(
    component: Component, status: Mapping[str, ComponentStatus], checked: HealthStatus | None
) -> StatusRow:
    known = _status_for(status, component)
    health = _combine_health(known, checked)
    if needs := _find_unmet_dependencies(component, status):
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
