"""The task `migrate`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from rest_service.app import migrate
from rest_service.tests.api_helpers import alembic_config
from smart_kit.testing.servers import Postgres

ROOT = Path(__file__).resolve().parents[2]
RUN_AND_PRINT_IMPORT = """
from rest_service.app import migrate
migrate.main()
import sys
print("alembic" in sys.modules)
"""


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[Postgres]:
    """A database without tables."""
    name = f"{postgres.name}_unmigrated"
    _execute(postgres, f"CREATE DATABASE {name}")
    yield Postgres(postgres.port, name)
    _execute(postgres, f"DROP DATABASE {name}")


def test_second_run_does_not_import_alembic(empty_database: Postgres) -> None:
    assert not migrate.is_up_to_date(empty_database.sync_url)
    assert _run(empty_database) == "True"
    assert migrate.is_up_to_date(empty_database.sync_url)
    assert _run(empty_database) == "False"


def test_older_revision_is_not_up_to_date(empty_database: Postgres) -> None:
    _execute(empty_database, "CREATE TABLE alembic_version (version_num text)")
    assert not migrate.is_up_to_date(empty_database.sync_url)
    _execute(empty_database, "INSERT INTO alembic_version VALUES ('0000_older')")
    assert not migrate.is_up_to_date(empty_database.sync_url)


def test_unreachable_database_is_not_up_to_date(postgres: Postgres) -> None:
    assert not migrate.is_up_to_date(Postgres(postgres.port, "no_such_database").sync_url)


def test_head_is_that_of_alembic() -> None:
    assert migrate.find_head() == ScriptDirectory.from_config(alembic_config("")).get_current_head()


@pytest.mark.parametrize(
    ("revisions", "head"),
    [
        ({"a": None}, "a"),
        ({"a": None, "b": '"a"', "c": '"b"'}, "c"),
        ({"a": None, "b": '"a"', "c": '"a"'}, None),
        ({"a": None, "b": '"a"', "c": '"a"', "d": "('b', 'c')"}, "d"),
        ({}, None),
    ],
)
def test_head_is_what_no_other_revision_follows(
    tmp_path: Path, revisions: dict[str, str | None], head: str | None
) -> None:
    for revision, followed in revisions.items():
        lines = (
            f'revision: str = "{revision}"',
            f"down_revision: str | None = {followed}",
            "x = 1",
        )
        (tmp_path / f"{revision}.py").write_text("\n".join(lines))
    assert migrate.find_head(tmp_path) == head


def _run(database: Postgres) -> str:
    environment = os.environ | {"DATABASE_URL": database.sync_url}
    command = [sys.executable, "-c", RUN_AND_PRINT_IMPORT]
    output = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=True)
    return output.stdout.decode().strip()


def _execute(database: Postgres, statement: str) -> None:
    engine = create_engine(database.sync_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
