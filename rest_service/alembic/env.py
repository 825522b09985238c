"""Runs migrations through psycopg2.

The URL is DATABASE_URL, or the attribute `database_url` of the Alembic configuration.
"""

from typing import Literal

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine
from sqlmodel import AutoString

from rest_service.app.database_settings import MigrationSettings
from rest_service.app.models import metadata

MIGRATION_LOCK_ID = 7_241_001
"""Postgres advisory lock: concurrent migrations run one after the other."""


def _render_item(kind: str, item: object, _: object) -> str | Literal[False]:
    """Write SQLModel's text type as SQLAlchemy's, so that migrations do not need SQLModel."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length or ''})"
    return False


def _skip_empty_revision(_: object, __: object, scripts: list[MigrationScript]) -> None:
    """Write no file, and print a message, if autogenerate finds no difference."""
    if all(script.upgrade_ops is not None and script.upgrade_ops.is_empty() for script in scripts):
        scripts.clear()
        context.config.print_stdout("The database matches the models: no migration is written.")


def _refuse_unknown_revision(migration_context: MigrationContext) -> None:
    """Refuse a database from before 0.1.0, whose revision is unknown here."""
    known = {
        script.revision for script in ScriptDirectory.from_config(context.config).walk_revisions()
    }
    if not known.issuperset(migration_context.get_current_heads()):
        raise SystemExit(
            "This database was created by a version that cannot be upgraded. To start from scratch,"
            " delete all data with ./manage.py stop --remove, then run ./manage.py start"
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
