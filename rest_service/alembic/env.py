"""Runs migrations through psycopg2.

The address is DATABASE_URL's, or the attribute `database_url` that a caller gave the configuration.
"""

from typing import Literal

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlmodel import AutoString

from rest_service.app.config import MigrationSettings
from rest_service.app.models import metadata

MIGRATION_LOCK_ID = 7_241_001
"""Two migrations at once would trip over each other: the second waits."""


def _render_item(kind: str, item: object, _: object) -> str | Literal[False]:
    """SQLModel's type of a text is SQLAlchemy's; a migration should not need SQLModel."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length or ''})"
    return False


def _skip_empty_revision(_: object, __: object, scripts: list[MigrationScript]) -> None:
    """Where autogenerate finds no difference, no file is written, and that is said."""
    if all(script.upgrade_ops is not None and script.upgrade_ops.is_empty() for script in scripts):
        scripts.clear()
        context.config.print_stdout("The database is what the models say: no migration is written.")


def _refuse_unknown_revision(migration_context: MigrationContext) -> None:
    """A database of before the first release has a revision that no migration here starts from."""
    known = {
        script.revision for script in ScriptDirectory.from_config(context.config).walk_revisions()
    }
    if not known.issuperset(migration_context.get_current_heads()):
        raise SystemExit(
            "This database was made by a version that this one cannot upgrade. To begin afresh,"
            " delete the suite's data by ./manage.py stop --remove, then run ./manage.py start"
        )


def _get_database_url() -> str:
    given = context.config.attributes.get("database_url")
    return str(given) if given else MigrationSettings.load().database_url


def _migrate() -> None:
    engine = create_engine(_get_database_url(), poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_item=_render_item,
            process_revision_directives=_skip_empty_revision,
        )
        with context.begin_transaction():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK_ID})")
            _refuse_unknown_revision(context.get_context())
            context.run_migrations()


def _print_sql() -> None:
    context.configure(url=_get_database_url(), target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _print_sql()
else:
    _migrate()
