"""The database's schema: `upgrade` it, or write a new migration."""

import argparse

from control import start_messages
from control.context import Context
from control.docker import plain_compose
from control.docker.compose import Compose
from control.docker.readiness import ContainerReadinessWaiter
from control.docker.start import build, start_postgres
from control.errors import ControlError
from control.services import ALEMBIC

_MIGRATIONS_DIR = "rest_service/alembic/versions"


def migrate(context: Context, options: argparse.Namespace) -> int:
    """Compare the models with an up-to-date database and write what differs as a migration."""
    compose = _prepare(context)
    folder = context.root / _MIGRATIONS_DIR
    owner = folder.stat()  # also root may write there as its owner only: it has no capabilities
    user = f"{owner.st_uid}:{owner.st_gid}"
    mine = ("--volume", f"{folder}:/app/{_MIGRATIONS_DIR}", "--user", user)
    return _run_alembic(compose, (), "upgrade", "head") or _run_alembic(
        compose, mine, "revision", "--autogenerate", "-m", options.message
    )


def upgrade(context: Context, _: argparse.Namespace) -> int:
    status = _run_alembic(_prepare(context), (), "upgrade", "head")
    if status == 0:
        context.terminal.print_success("schema", "up to date")
    return status


def _prepare(context: Context) -> Compose:
    plain_compose.ensure_not_running(context)
    start_messages.prepare_environment(context, "docker")
    compose = Compose.from_context(context)
    with context.terminal.step("image"):
        build(context, compose, "migrate")
    problems = start_postgres(
        compose, ContainerReadinessWaiter(compose, context.terminal, with_dependencies=False)
    )
    start_messages.report_failures(context, problems, outlook="")
    if problems:
        raise ControlError("the database does not start")
    return compose


def _run_alembic(compose: Compose, options: tuple[str, ...], *arguments: str) -> int:
    return compose.run("run", "--rm", *options, "migrate", *ALEMBIC[1:], *arguments)
