"""The state of the suite, and what earlier suites have left on this machine."""

import argparse
import os
from collections.abc import Iterable

from control import disk, mode_selection, replicas
from control.context import Context
from control.docker import plain_compose
from control.finding import Finding, make_error, make_warning
from control.local import postgres_system_folder
from control.local.run_directory import RunDirectory


def check_state_files(context: Context) -> Iterable[Finding]:
    """Yield a finding for each damaged file of STATE_DIR."""
    if error := replicas.find_replicas_file_error(context.state_dir, context.services):
        yield make_error("replicas", error, replicas.REPAIR_ADVICE)
    if error := mode_selection.find_mode_file_error(context.state_dir):
        yield make_error("mode", error, mode_selection.REPAIR_ADVICE)
    for file in RunDirectory(context.state_dir).find_damaged_files():
        yield make_warning("state", f"{file} is damaged", "./manage.py restart writes it again")


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    """Yield nothing about a suite that was stopped or never started."""
    mode = mode_selection.find_selected_mode(context, options)
    if mode is None and plain_compose.is_running(context):
        mode = "docker"
    if mode:
        yield from mode_selection.load(mode, context).diagnose()
    if os.geteuid() == 0:
        postgres_system_folder.repair_database_folder(
            context.state_dir
        )  # STATE_DIR may have been moved
    for database in postgres_system_folder.find_databases():
        if database.state_dir is None:
            size = disk.format_megabytes(database.size)
            problem = f"{database.path} ({size}) has no record of the folder that it belongs to"
            advice = f"if no STATE_DIR/postgres leads there, rm -r {database.path}"
            yield make_warning("database", problem, advice)
        elif database.is_orphaned:
            yield make_warning("database", *postgres_system_folder.describe_orphan(database))
    for copy in postgres_system_folder.find_program_copies():
        size = disk.format_megabytes(disk.get_disk_usage(copy))
        yield Finding("PostgreSQL", f"a copy for suites that root starts: {copy} ({size})")
