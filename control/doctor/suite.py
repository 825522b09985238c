"""Whether what was started runs, and what of earlier suites is still on this machine."""

import argparse
import os
from collections.abc import Iterable

from control import disk, modes
from control.context import Context
from control.docker import bare
from control.docker import findings as docker
from control.doctor.finding import Finding, doubtful, wrong
from control.local import shared_folder
from control.local.progress import healths
from control.local.run_directory import PartStatus, RunDirectory
from control.local.status import health_of, waits_for
from control.local.suite import Suite

_RESTART = "mend the cause and run ./manage.py restart; ./manage.py logs says more"


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    """Silent about a suite that was stopped, or was never started."""
    if modes.told(context, options) == "local":
        yield from _local(context)
    elif modes.told(context, options) == "docker" or bare.runs(context):
        yield from docker.findings(context)
    if os.geteuid() == 0:
        shared_folder.keep_database(context.state_dir)  # it may have been moved
    yield from _databases()
    yield from _programs()


def _local(context: Context) -> Iterable[Finding]:
    run = RunDirectory(context.state_dir)
    status = run.status()
    if run.supervisor() is None:
        if status:  # an orderly stop forgets it
            yield wrong(
                "suite",
                "was started and not stopped, and does not run",
                "./manage.py start starts it again",
            )
        else:
            yield Finding("suite", "does not run; ./manage.py start starts it")
        return
    suite = Suite.of(context, context.virtualenv.python)
    wished = {name for name, wish in run.wishes().items() if wish.run}
    parts = {part.name: part for part in suite.parts if part.name in wished}
    known = {name: status.get(name, PartStatus()) for name in parts}
    answers = healths(part for part in parts.values() if known[part.name].state == "running")
    healthy = {name: health_of(known[name], answers.get(name)) for name in parts}
    unwell = {name: health for name, health in healthy.items() if not health.ok}
    for name, health in unwell.items():
        if not waits_for(parts[name], status):  # its cause has a line of its own
            why = health.detail.rstrip(".") or f"is {known[name].state}"
            yield wrong("suite", f"{name}: {why}", _RESTART)
    if not unwell:
        yield Finding("suite", f"runs as processes, all {len(parts)} parts are well")


def _databases() -> Iterable[Finding]:
    for database in shared_folder.databases():
        said = f"{database.path} ({disk.megabytes(database.size)})"
        if database.state_dir is None:
            yield doubtful(
                "database",
                f"{said} was made by an earlier version, which did not write down for which folder",
                f"if no STATE_DIR/postgres leads there, rm -r {database.path}",
            )
        elif database.is_orphan:
            yield doubtful("database", *shared_folder.orphan(database))


def _programs() -> Iterable[Finding]:
    for copy in shared_folder.programs():
        said = f"a copy for suites that root starts: {copy} ({disk.megabytes(disk.used(copy))})"
        yield Finding("PostgreSQL", said)
