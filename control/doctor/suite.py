"""Whether what was started runs, and what of earlier suites is still on this machine."""

import argparse
import os
from collections.abc import Iterable

from control import disk, modes
from control.context import Context
from control.docker import findings as docker
from control.docker import plain_compose
from control.doctor.finding import Finding, make_error, make_warning
from control.local import shared_folder
from control.local.readiness import check_components_health
from control.local.run_directory import ComponentStatus, RunDirectory
from control.local.status import combine_health, find_unmet_dependencies
from control.local.suite import Suite

_RESTART_ADVICE = "mend the cause and run ./manage.py restart; ./manage.py logs says more"


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    """Silent about a suite that was stopped, or was never started."""
    mode = modes.find_selected_mode(context, options)
    if mode == "local":
        yield from _check_local(context)
    elif mode == "docker" or plain_compose.is_running(context):
        yield from docker.check_containers(context)
    if os.geteuid() == 0:
        shared_folder.repair_database_folder(context.state_dir)  # it may have been moved
    yield from _check_databases()
    yield from _check_program_copies()


def _check_local(context: Context) -> Iterable[Finding]:
    run = RunDirectory(context.state_dir)
    status = run.read_status()
    if run.find_supervisor() is None:
        if status:  # an orderly stop forgets it
            yield make_error(
                "suite",
                "was started and not stopped, and does not run",
                "./manage.py start starts it again",
            )
        else:
            yield Finding("suite", "does not run; ./manage.py start starts it")
        return
    suite = Suite.from_context(context, context.virtualenv.python)
    desired = {name for name, wish in run.read_desired_states().items() if wish.should_run}
    components = {part.name: part for part in suite.components if part.name in desired}
    known = {name: status.get(name, ComponentStatus()) for name in components}
    answers = check_components_health(
        part for part in components.values() if known[part.name].state == "running"
    )
    health_by_name = {name: combine_health(known[name], answers.get(name)) for name in components}
    unhealthy = {name: health for name, health in health_by_name.items() if not health.is_healthy}
    for name, health in unhealthy.items():
        if not find_unmet_dependencies(components[name], status):  # its cause has a line of its own
            why = health.detail.rstrip(".") or f"is {known[name].state}"
            yield make_error("suite", f"{name}: {why}", _RESTART_ADVICE)
    if not unhealthy:
        yield Finding("suite", f"runs as processes, all {len(components)} parts are well")


def _check_databases() -> Iterable[Finding]:
    for database in shared_folder.find_databases():
        said = f"{database.path} ({disk.format_megabytes(database.size)})"
        if database.state_dir is None:
            yield make_warning(
                "database",
                f"{said} was made by an earlier version, which did not write down for which folder",
                f"if no STATE_DIR/postgres leads there, rm -r {database.path}",
            )
        elif database.is_orphaned:
            yield make_warning("database", *shared_folder.describe_orphan(database))


def _check_program_copies() -> Iterable[Finding]:
    for copy in shared_folder.find_program_copies():
        size = disk.format_megabytes(disk.get_disk_usage(copy))
        yield Finding("PostgreSQL", f"a copy for suites that root starts: {copy} ({size})")
