"""Fixtures: the service on PostgreSQL and Valkey, which are emptied before each test."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from alembic import command
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app import database
from rest_service.app.audit.refusal_throttle import RefusalThrottle
from rest_service.app.background.archive_consumer import ArchiveConsumer
from rest_service.app.background.snapshot_reconciler import SnapshotReconciler
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.dependencies import Resources
from rest_service.app.main import RestService
from rest_service.app.models import metadata
from rest_service.app.services.cron_jobs import claims
from rest_service.app.services.dead_letters import DeadLetterQueues
from rest_service.app.services.providers.client import TIMEOUT_SECONDS
from rest_service.app.snapshots import publisher
from rest_service.app.snapshots.publisher import SnapshotPublisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import (
    ADMIN_TOKEN,
    ALLOWED_TELEGRAM_IDS,
    MASTER_KEYS,
    OWNER_TELEGRAM_ID,
    SERVICE_TOKEN,
    Client,
    JsonObject,
    Make,
    Sql,
    alembic_config,
    make_client,
    make_example,
    make_user_headers,
)
from rest_service.tests.undo_cases import CallTool, CallUndo
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.redis import Redis, connect, connect_for_blocking_reads
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.settings import RedisSettings
from smart_kit.testing.servers import Postgres, Valkey
from smart_kit.vault import Vault

HERE = Path(__file__).parent

SINGLE_ROW_TABLES = {"configuration", "clock_state"}
# past foreign keys, and the audit log's trigger; DELETE is quicker than TRUNCATE if little is
EMPTY_TABLES = (
    "DO $$ BEGIN SET LOCAL session_replication_role = replica;"
    + "".join(f"DELETE FROM {name};" for name in metadata.tables.keys() - SINGLE_ROW_TABLES)
    + "UPDATE clock_state SET offset_seconds = 0, tzdata_version = NULL;"
    + "END $$"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests in one event loop, so that they share connections to PostgreSQL."""
    for item in items:
        if pytest_asyncio.is_async_test(item) and item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> Postgres:
    command.upgrade(alembic_config(postgres.sync_url), "head")
    return postgres


@pytest.fixture(scope="session")
def settings(migrated_postgres: Postgres, valkey: Valkey) -> Settings:
    return Settings(
        database_url=migrated_postgres.sync_url,
        async_database_url=migrated_postgres.async_url,
        redis_port=valkey.port,
        redis_password=SecretStr(valkey.password),
        admin_api_token=SecretStr(ADMIN_TOKEN),
        service_api_token=SecretStr(SERVICE_TOKEN),
        telegram_allowed_users=",".join(map(str, (OWNER_TELEGRAM_ID, *ALLOWED_TELEGRAM_IDS))),
        default_timezone="Europe/Berlin",
        openai_base_url="https://models.example/v1",
        llm_model_decrypt_key=SecretStr(",".join(MASTER_KEYS)),
    )


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def shared_engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = database.create_engine(settings)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def engine(shared_engine: AsyncEngine) -> AsyncEngine:
    """An engine whose tables are empty."""
    async with shared_engine.begin() as connection:
        await connection.execute(text(EMPTY_TABLES))
    return shared_engine


@pytest_asyncio.fixture(loop_scope="session")
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    client = connect(redis_settings)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def blocking(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_for_blocking_reads(redis_settings)
    yield client
    await client.aclose()


@pytest.fixture
def sql(engine: AsyncEngine) -> Sql:
    """Runs a statement directly in the database, not through the service."""

    async def run(statement: str) -> list[tuple[Any, ...]]:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    return run


@pytest.fixture
def sessions(engine: AsyncEngine) -> SessionFactory:
    return database.create_session_factory(engine)


@pytest.fixture
def store(redis: Redis) -> SnapshotStore:
    return SnapshotStore(redis)


@pytest.fixture(scope="session")
def vault(settings: Settings) -> Vault:
    return Vault(settings.vault_keys)


@pytest.fixture
def dead_letter_queues(redis: Redis) -> DeadLetterQueues:
    return {
        "to_secretary": DeadLetterQueue(redis, "queue:to_secretary"),
        "to_telegram": DeadLetterQueue(redis, "queue:to_telegram"),
    }


@pytest.fixture(scope="session")
def reused_app(settings: Settings) -> FastAPI:
    """The application of all tests, because building routes is slow. Its resources are replaced."""
    return RestService(settings).build_app()


@pytest.fixture(scope="session")
def ssl_context() -> ssl.SSLContext:
    """The system's certificates, loaded once because loading is slow."""
    return httpx2.create_ssl_context(trust_env=False)


@pytest_asyncio.fixture(loop_scope="session")
async def provider_http(ssl_context: ssl.SSLContext) -> AsyncIterator[httpx2.AsyncClient]:
    """The HTTP client for providers, without proxies from the environment."""
    async with httpx2.AsyncClient(
        timeout=TIMEOUT_SECONDS, trust_env=False, verify=ssl_context
    ) as http:
        yield http


@pytest.fixture
def app(
    reused_app: FastAPI,
    settings: Settings,
    sessions: SessionFactory,
    store: SnapshotStore,
    vault: Vault,
    dead_letter_queues: DeadLetterQueues,
    provider_http: httpx2.AsyncClient,
) -> FastAPI:
    reused_app.state.resources = Resources(
        settings,
        sessions,
        SnapshotPublisher(sessions, store, settings),
        vault,
        dead_letter_queues,
        RefusalThrottle(),
        provider_http,
        SafeHttpClient,
    )
    return reused_app


@pytest_asyncio.fixture(loop_scope="session")
async def admin(app: FastAPI) -> AsyncIterator[Client]:
    """The API with the admin token."""
    async with make_client(app, Authorization=f"Bearer {ADMIN_TOKEN}") as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def service(app: FastAPI) -> AsyncIterator[Client]:
    """The API with the service token."""
    async with make_client(app, Authorization=f"Bearer {SERVICE_TOKEN}") as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session")
async def anonymous(app: FastAPI) -> AsyncIterator[Client]:
    """The API without a token."""
    async with make_client(app) as http:
        yield http


@pytest.fixture
def make(admin: Client) -> Make:
    """Creates a record: `await make("assistants", name="Poet")`. Other fields are examples."""
    counts: dict[str, int] = {}

    async def add(resource: str, **fields: Any) -> JsonObject:
        counts[resource] = number = counts.get(resource, 0) + 1
        body = make_example(resource, number) | fields
        answer = await admin.post(f"/{resource}", json=body)
        assert answer.status_code == 201, answer.text
        added: JsonObject = answer.json()
        return added

    return add


@pytest.fixture
def one_hour_dispatch_timeout(monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """Raise the time-out, so that a slow machine does not hand out a run twice."""
    monkeypatch.setattr(claims, "DISPATCH_TIMEOUT", timedelta(hours=1))
    return claims.DISPATCH_TIMEOUT


@pytest.fixture(autouse=True)
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the time-out of publications, for slow machines."""
    monkeypatch.setattr(publisher, "PUBLISH_TIMEOUT_SECONDS", 60.0)


@pytest.fixture
def reconciler(
    sessions: SessionFactory, store: SnapshotStore, settings: Settings
) -> SnapshotReconciler:
    return SnapshotReconciler(sessions, store, settings)


@pytest.fixture
def archive_reader(engine: AsyncEngine, redis: Redis, blocking: Redis) -> ArchiveConsumer:
    return ArchiveConsumer(engine, redis, blocking)


@pytest_asyncio.fixture(loop_scope="session")
async def person(make: Make) -> JsonObject:
    return await make("users")


@pytest_asyncio.fixture(loop_scope="session")
async def provider(make: Make) -> JsonObject:
    return await make("providers")


@pytest.fixture
def call_tool(service: Client, person: JsonObject) -> CallTool:
    """Sends a request as a step of a turn: `await tool("POST", "/tasks", title="Milk")`."""
    steps = count(1)

    async def call(method: str, path: str, **fields: object) -> JsonObject:
        body = fields | ({"user_id": person["id"]} if method == "POST" else {})
        headers = make_user_headers(person, f"tg:1:77/{next(steps)}.0")
        answer = await service.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    return call


@pytest.fixture
def call_undo(service: Client, person: JsonObject) -> CallUndo:
    """Sends /undo, each time with a new key unless one is given."""
    updates = count(100)

    async def call(key: str | None = None) -> httpx2.Response:
        headers = make_user_headers(person, key or f"tg:1:{next(updates)}/0.0")
        return await service.post("/effects/undo", json={"user_id": person["id"]}, headers=headers)

    return call


@pytest_asyncio.fixture(loop_scope="session")
async def milk_task(call_tool: CallTool) -> JsonObject:
    """A task that a tool has created."""
    return await call_tool("POST", "/tasks", title="Milk")
