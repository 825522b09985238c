"""The service on a real PostgreSQL and Valkey, emptied before each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from alembic import command
from alembic.config import Config
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app import database
from rest_service.app.config import Settings
from rest_service.app.database import Sessions
from rest_service.app.dependencies import Resources
from rest_service.app.main import RestService
from rest_service.app.models import metadata
from rest_service.app.snapshots.publisher import Publisher
from rest_service.app.snapshots.store import SnapshotStore
from smart_kit.redis import Redis
from smart_kit.testing.servers import Postgres, Valkey

ADMIN_TOKEN = "an-admin-token-for-tests"
SERVICE_TOKEN = "a-service-token-for-tests"
OWNER_TELEGRAM_ID = 4242

Client = httpx2.AsyncClient
JsonObject = dict[str, Any]
Make = Callable[..., Awaitable[JsonObject]]
Sql = Callable[[str], Awaitable[list[tuple[Any, ...]]]]


def alembic_config(url: str) -> Config:
    config = Config(Path(__file__).parents[1] / "alembic.ini")
    config.attributes["database_url"] = url
    return config


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Postgres:
    command.upgrade(alembic_config(postgres.sync_url), "head")
    return postgres


@pytest.fixture(scope="session")
def settings(migrated: Postgres, valkey: Valkey) -> Settings:
    return Settings(
        _env_file=None,
        database_url=migrated.sync_url,
        async_database_url=migrated.async_url,
        redis_port=valkey.port,
        redis_password=SecretStr(valkey.password),
        admin_api_token=SecretStr(ADMIN_TOKEN),
        service_api_token=SecretStr(SERVICE_TOKEN),
        telegram_allowed_users=str(OWNER_TELEGRAM_ID),
        default_timezone="Europe/Berlin",
    )


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = database.connect(settings)
    tables = ", ".join(table for table in metadata.tables if table != "configuration")
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables}"))
    yield engine
    await engine.dispose()


@pytest.fixture
def sql(engine: AsyncEngine) -> Sql:
    """Runs a statement past the service, as somebody with a database tool would."""

    async def run(statement: str) -> list[tuple[Any, ...]]:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []

    return run


@pytest.fixture
def sessions(engine: AsyncEngine) -> Sessions:
    return database.session_maker(engine)


@pytest.fixture
def store(redis: Redis) -> SnapshotStore:
    return SnapshotStore(redis)


@pytest.fixture(scope="session")
def reused_app(settings: Settings) -> FastAPI:
    """FastAPI takes a while to build its routes; only what they stand on is new in each test."""
    return RestService(settings).app()


@pytest.fixture
def app(
    reused_app: FastAPI, settings: Settings, sessions: Sessions, store: SnapshotStore
) -> FastAPI:
    reused_app.state.resources = Resources(settings, sessions, Publisher(sessions, store))
    return reused_app


def client(app: FastAPI, **headers: str) -> Client:
    transport = httpx2.ASGITransport(app)
    return Client(transport=transport, base_url="http://rest/api", headers=headers)


@pytest.fixture
async def admin(app: FastAPI) -> AsyncIterator[Client]:
    """The API with the admin token."""
    async with client(app, Authorization=f"Bearer {ADMIN_TOKEN}") as http:
        yield http


@pytest.fixture
async def service(app: FastAPI) -> AsyncIterator[Client]:
    """The API with the service token."""
    async with client(app, Authorization=f"Bearer {SERVICE_TOKEN}") as http:
        yield http


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[Client]:
    """The API without a token."""
    async with client(app) as http:
        yield http


def acting(user: JsonObject, key: str | None = None) -> dict[str, str]:
    """Headers of a call for this person, perhaps one that may come again."""
    return {"X-User-Id": user["id"]} | ({"Idempotency-Key": key} if key else {})


@pytest.fixture
def make(admin: Client) -> Make:
    """Adds a record: `await make("assistants", name="Poet")`; the rest is made up."""
    counts: dict[str, int] = {}

    async def add(resource: str, **fields: Any) -> JsonObject:
        counts[resource] = number = counts.get(resource, 0) + 1
        body = _example(resource, number) | fields
        answer = await admin.post(f"/{resource}", json=body)
        assert answer.status_code == 201, answer.text
        added: JsonObject = answer.json()
        return added

    return add


def _example(resource: str, number: int) -> JsonObject:
    examples: dict[str, JsonObject] = {
        "assistants": {"name": f"Assistant {number}", "instructions": "Help."},
        "tools": {"name": f"clock_{number}", "tool_type": "time", "description": "The time."},
        "users": {"telegram_id": 1000 + number, "first_name": f"Person {number}"},
        "cron-jobs": {"text": f"Job {number}", "cron_expression": "0 9 * * *"},
    }
    return examples.get(resource, {})


async def listed(http: Client, path: str, **params: Any) -> list[JsonObject]:
    """The items of a list."""
    answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    items: list[JsonObject] = answer.json()["items"]
    return items
