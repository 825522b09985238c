"""What `./manage.py doctor` reports about the suite's processes."""

from collections.abc import Iterator

from control.context import Context
from control.finding import Finding, make_error
from control.local.readiness import check_components_health
from control.local.run_directory import ComponentStatus, RunDirectory
from control.local.status import combine_health, find_unmet_dependencies
from control.local.suite import Suite

_RESTART_ADVICE = "fix the cause and run ./manage.py restart; ./manage.py logs says more"


def check_processes(context: Context) -> Iterator[Finding]:
    """Yield one finding for each unhealthy component, or one for the whole suite."""
    run = RunDirectory(context.state_dir)
    status = run.read_status()
    if run.find_supervisor() is None:
        if status:  # an orderly stop removes it
            yield make_error(
                "suite",
                "was started and not stopped, and does not run",
                "./manage.py start starts it again",
            )
        else:
            yield Finding("suite", "does not run; ./manage.py start starts it")
        return
    suite = Suite.from_context(context, context.virtualenv.python)
    desired = {name for name, state in run.read_desired_states().items() if state.should_run}
    components = {it.name: it for it in suite.components if it.name in desired}
    known = {name: status.get(name, ComponentStatus()) for name in components}
    answers = check_components_health(
        it for it in components.values() if known[it.name].state == "running"
    )
    health_by_name = {name: combine_health(known[name], answers.get(name)) for name in components}
    unhealthy = {name: health for name, health in health_by_name.items() if not health.is_healthy}
    for name, health in unhealthy.items():
        # the cause is reported by its own line
        if not find_unmet_dependencies(components[name], status):
            reason = health.detail.rstrip(".") or f"is {known[name].state}"
            yield make_error("suite", f"{name}: {reason}", _RESTART_ADVICE)
    if not unhealthy:
        yield Finding("suite", f"runs as processes, all {len(components)} components are healthy")
