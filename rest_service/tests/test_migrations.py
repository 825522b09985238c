import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, text

from rest_service.app.models import metadata
from rest_service.tests.api_helpers import alembic_config
from smart_kit.testing.servers import Postgres

SERVERS = """
INSERT INTO llm_providers (id, created_at, updated_at, name, base_url, is_active)
SELECT gen_random_uuid(), now(), now(), name, 'https://models.example', true
FROM (VALUES {names}) AS given (name)
"""
MODEL = """
INSERT INTO llm_models (
    id, created_at, updated_at, provider_id, provider_model_name, api, parameters, capabilities,
    is_active
)
SELECT gen_random_uuid(), now(), now(), id, :name, 'chat', '{}', :capabilities, true
FROM llm_providers LIMIT 1
"""
PROVIDER = """
INSERT INTO llm_providers
    (id, created_at, updated_at, name, base_url, is_active, encrypted_api_key)
VALUES (:id, :day, CAST(:day AS timestamptz) + CAST(:touched AS interval), :name,
    'https://models.example', true, 'of theirs')
"""
ITS_MODEL = """
INSERT INTO llm_models (
    id, created_at, updated_at, provider_id, provider_model_name, api, parameters, capabilities,
    is_active
)
VALUES (:id, now(), now(), :provider_id, :name, 'chat', '{}', '["tools"]', true)
"""
NOTED = """
INSERT INTO audit_log (id, caller, action, object_type, object_id, path, result, status, created_at)
VALUES (gen_random_uuid(), 'admin', :action, 'x', :id, '/', 'done', 201, now())
"""
CAPABILITIES = "SELECT provider_model_name, capabilities FROM llm_models"


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[Postgres]:
    """A database without tables."""
    server = create_engine(postgres.sync_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        name = f"{postgres.name}_empty"
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield Postgres(postgres.port, name)
        connection.execute(text(f"DROP DATABASE {name}"))


@pytest.fixture
def engine_of_empty(empty: Postgres) -> Engine:
    return create_engine(empty.sync_url, poolclass=NullPool)


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("")).get_heads()) == 1


def test_up_down_and_up_again_leaves_nothing_behind(
    empty: Postgres, engine_of_empty: Engine
) -> None:
    config = alembic_config(empty.sync_url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")

    with engine_of_empty.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert inspect(connection).get_sequence_names() == []
        left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        assert connection.execute(text(left)).scalar_one() == 0
    command.upgrade(config, "head")


def test_the_tables_are_what_the_models_say(empty: Postgres, engine_of_empty: Engine) -> None:
    command.upgrade(alembic_config(empty.sync_url), "head")

    with engine_of_empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_where_nothing_has_changed_no_migration_is_written_and_that_is_said(
    empty: Postgres,
) -> None:
    config = alembic_config(empty.sync_url)
    config.stdout = said = io.StringIO()
    command.upgrade(config, "head")
    folder = Path(ScriptDirectory.from_config(config).versions)
    before = set(folder.glob("*.py"))
    command.revision(config, "nothing", autogenerate=True)
    written = set(folder.glob("*.py")) - before
    for file in written:
        file.unlink()

    assert written == set()
    assert "no migration is written" in said.getvalue()


def test_migrating_twice_changes_nothing(empty: Postgres, engine_of_empty: Engine) -> None:
    config = alembic_config(empty.sync_url)
    command.upgrade(config, "head")
    command.upgrade(config, "head")

    with engine_of_empty.connect() as connection:
        versions = connection.execute(text("SELECT version FROM configuration")).scalars().all()
    assert versions == [0]


def test_models_of_before_they_were_asked_become_what_they_were_in_fact(
    empty: Postgres, engine_of_empty: Engine
) -> None:
    """Until 0006 the environment decided whom assistants asked, and every answer was streamed."""
    config = alembic_config(empty.sync_url)
    command.upgrade(config, "0005")
    with engine_of_empty.begin() as connection:
        connection.execute(text(SERVERS.format(names="('The first')")))
        for name, capabilities in (("seeded", '["tools"]'), ("seen", '["tools", "images"]')):
            values = {"name": name, "capabilities": capabilities}
            connection.execute(text(MODEL), values)
        for name, capabilities in (("bare", "[]"), ("embedding", '[ "embeddings" ]')):
            connection.execute(text(MODEL), {"name": name, "capabilities": capabilities})
    command.upgrade(config, "0006")
    with engine_of_empty.begin() as connection:
        sources = connection.execute(text("SELECT source FROM llm_providers")).scalars().all()
        kept = {row[0]: row[1] for row in connection.execute(text(CAPABILITIES))}
    command.downgrade(config, "0005")
    with engine_of_empty.begin() as connection:
        again = {row[0]: row[1] for row in connection.execute(text(CAPABILITIES))}

    assert sources == ["environment"]
    embedding = {"embedding": ["embeddings"]}
    assert kept == embedding | {"seen": ["tools", "vision", "streaming"], "bare": ["streaming"]}
    assert again == embedding | {"seen": ["tools", "images"], "bare": []}


class TestEnvironmentsProvider:
    """Until 0006 the environment decided whom assistants asked, whatever the records said."""

    @pytest.fixture
    def before(self, empty: Postgres, engine_of_empty: Engine) -> Iterator[Connection]:
        command.upgrade(alembic_config(empty.sync_url), "0005")
        with engine_of_empty.connect() as connection:
            yield connection

    def provider(
        self, before: Connection, name: str, day: int, *, touched: str = "1 ms", made: bool = False
    ) -> UUID:
        """With a model; `made` through the API, or else written by the first start."""
        ids = {"create_provider": uuid4(), "create_model": uuid4()}
        provider_id, model_id = ids.values()
        values = {"id": provider_id, "name": name, "touched": touched}
        moment = datetime(2026, 11, day, tzinfo=UTC)
        before.execute(text(PROVIDER), values | {"day": moment})
        model = {"id": model_id, "provider_id": provider_id, "name": f"of {name}"}
        before.execute(text(ITS_MODEL), model)
        for action, row_id in ids.items() if made else ():
            before.execute(text(NOTED), {"action": action, "id": row_id})
        return provider_id

    def after(self, empty: Postgres, before: Connection) -> tuple[dict[str, str], set[str]]:
        """Each provider's source, and the models that are still there."""
        before.commit()
        command.upgrade(alembic_config(empty.sync_url), "0006")
        sources = before.execute(text("SELECT name, source FROM llm_providers"))
        models = before.execute(text("SELECT provider_model_name FROM llm_models")).scalars()
        return {row[0]: row[1] for row in sources}, set(models)

    def test_it_is_the_one_that_the_first_start_has_written(
        self, empty: Postgres, before: Connection
    ) -> None:
        self.provider(before, "seeded", 2)
        self.provider(before, "later", 3, made=True)

        sources, models = self.after(empty, before)

        assert sources == {"seeded": "environment", "later": "administrator"}
        assert models == {"of later"}, "what the start has written, the next one writes anew"

    def test_one_that_somebody_has_changed_is_an_administrators_without_its_models(
        self, empty: Postgres, before: Connection
    ) -> None:
        """Its address and its key stay; DEFAULT_MODEL comes under one that the start makes."""
        self.provider(before, "changed", 2, touched="8 days")
        self.provider(before, "made", 3, made=True)

        sources, models = self.after(empty, before)

        assert sources == {"changed": "administrator", "made": "administrator"}
        assert models == {"of made"}
