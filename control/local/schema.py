"""The database's schema: `upgrade` it, or write a new migration."""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from control import environment
from control.context import Context
from control.errors import ControlError
from control.local import start
from control.local.shutdown import shut_down
from control.local.suite import Suite
from control.services import ALEMBIC


def migrate(context: Context, options: argparse.Namespace) -> int:
    """Compare the models with an up-to-date database and write what differs as a migration."""
    with _running_database(context) as suite:
        return _run_alembic(suite, "upgrade", "head") or _run_alembic(
            suite, "revision", "--autogenerate", "-m", options.message
        )


def upgrade(context: Context, _: argparse.Namespace) -> int:
    with _running_database(context) as suite:
        status = _run_alembic(suite, "upgrade", "head")
        if status == 0:
            context.terminal.print_success("schema", "up to date")
        return status


@contextmanager
def _running_database(context: Context) -> Iterator[Suite]:
    """The suite's database; started for the moment where the suite does not run."""
    environment.ensure_secrets(context.root, context.environ)
    suite = Suite.from_context(context, context.ensure_python())
    if context.settings.has_external_postgres or suite.run_directory.find_supervisor():
        yield suite
        return
    problems = start.start(context, suite, ["postgres"])
    try:
        if problems:
            raise ControlError(f"the database does not start: {problems[0].reason}")
        yield suite
    finally:
        shut_down(suite.run_directory, context.terminal)


def _run_alembic(suite: Suite, *arguments: str) -> int:
    migrating = next(it for it in suite.table if it.name == "migrate")
    return subprocess.run(
        (str(suite.python), *ALEMBIC, *arguments),
        cwd=suite.settings.root,
        env=suite.settings.build_environment(migrating),
        check=False,
    ).returncode
