"""`migrate` and `upgrade`: the schema of the database."""

import argparse

from control import mode_selection
from control.context import Context


def migrate(context: Context, options: argparse.Namespace) -> int:
    """Upgrade the database, then write the differences to the models as a migration."""
    with mode_selection.select(context, options).provide_database() as run_alembic:
        revision = ("revision", "--autogenerate", "-m", options.message)
        return run_alembic("upgrade", "head") or run_alembic(*revision)


def upgrade(context: Context, options: argparse.Namespace) -> int:
    with mode_selection.select(context, options).provide_database() as run_alembic:
        status = run_alembic("upgrade", "head")
        if status == 0:
            context.terminal.print_success("schema", "up to date")
        return status
