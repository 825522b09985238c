"""The database's schema: `upgrade` it, or write a new migration."""

import argparse

from control import welcome
from control.context import Context
from control.docker import bare
from control.docker.compose import Compose
from control.docker.progress import Progress
from control.docker.start import build, raise_postgres
from control.errors import ControlError
from control.services import ALEMBIC

_VERSIONS = "rest_service/alembic/versions"


def migrate(context: Context, options: argparse.Namespace) -> int:
    """Compare the models with an up-to-date database and write what differs as a migration."""
    compose = _prepared(context)
    folder = context.root / _VERSIONS
    owner = folder.stat()  # also root may write there as its owner only: it has no capabilities
    user = f"{owner.st_uid}:{owner.st_gid}"
    mine = ("--volume", f"{folder}:/app/{_VERSIONS}", "--user", user)
    return _alembic(compose, (), "upgrade", "head") or _alembic(
        compose, mine, "revision", "--autogenerate", "-m", options.message
    )


def upgrade(context: Context, _: argparse.Namespace) -> int:
    status = _alembic(_prepared(context), (), "upgrade", "head")
    if status == 0:
        context.terminal.done("schema", "up to date")
    return status


def _prepared(context: Context) -> Compose:
    bare.refuse(context)
    welcome.begin(context, "docker")
    compose = Compose.of(context)
    with context.terminal.step("image"):
        build(context, compose, "migrate")
    problems = raise_postgres(compose, Progress(compose, context.terminal, with_needs=False))
    welcome.report(context, problems, outlook="")
    if problems:
        raise ControlError("the database does not start")
    return compose


def _alembic(compose: Compose, options: tuple[str, ...], *arguments: str) -> int:
    return compose.run("run", "--rm", *options, "migrate", *ALEMBIC[1:], *arguments)
