import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, inspect, text

from rest_service.app.models import metadata
from rest_service.tests.api_helpers import alembic_config
from smart_kit.testing.servers import Postgres


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[Postgres]:
    """A database without tables."""
    server = create_engine(postgres.sync_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        name = f"{postgres.name}_empty"
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield Postgres(postgres.port, name)
        connection.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture
def empty_database_engine(empty_database: Postgres) -> Engine:
    return create_engine(empty_database.sync_url, poolclass=NullPool)


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("")).get_heads()) == 1


def test_downgrade_leaves_nothing_behind(
    empty_database: Postgres, empty_database_engine: Engine
) -> None:
    config = alembic_config(empty_database.sync_url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")

    with empty_database_engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert inspect(connection).get_sequence_names() == []
        left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.execute(text(left)).scalar_one() == 0
    command.upgrade(config, "head")


def test_migrated_tables_match_the_models(
    empty_database: Postgres, empty_database_engine: Engine
) -> None:
    command.upgrade(alembic_config(empty_database.sync_url), "head")

    with empty_database_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_unchanged_models_write_no_migration(
    empty_database: Postgres,
) -> None:
    config = alembic_config(empty_database.sync_url)
    config.stdout = output = io.StringIO()
    command.upgrade(config, "head")
    folder = Path(ScriptDirectory.from_config(config).versions)
    before = set(folder.glob("*.py"))
    command.revision(config, "nothing", autogenerate=True)
    written = set(folder.glob("*.py")) - before
    for file in written:
        file.unlink()

    assert written == set()
    assert "no migration is written" in output.getvalue()


def test_migrating_twice_changes_nothing(
    empty_database: Postgres, empty_database_engine: Engine
) -> None:
    config = alembic_config(empty_database.sync_url)
    command.upgrade(config, "head")
    command.upgrade(config, "head")

    with empty_database_engine.connect() as connection:
        versions = connection.execute(text("SELECT version FROM configuration")).scalars().all()
    assert versions == [0]


def test_unknown_database_revision_is_refused_with_instructions(
    empty_database: Postgres, empty_database_engine: Engine
) -> None:
    """Databases from before 0.1.0 have other revisions."""
    config = alembic_config(empty_database.sync_url)
    command.upgrade(config, "head")
    with empty_database_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0008'"))

    with pytest.raises(SystemExit, match=r"cannot be upgraded.*\./manage\.py stop --remove"):
        command.upgrade(config, "head")

    with empty_database_engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert version == "0008"
