"""The connections to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.app import database
from rest_service.app.config import Settings
from rest_service.app.dependencies import Resources
from rest_service.app.snapshots.publisher import SnapshotPublisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import Client, Sql, make_user_headers


@pytest_asyncio.fixture(loop_scope="session")
async def single_connection(
    settings: Settings, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncEngine]:
    """An engine whose pool has one connection."""
    monkeypatch.setattr(database, "POOL_SIZE", 1)
    monkeypatch.setattr(database, "MAX_OVERFLOW", 0)
    small_engine = database.create_engine(settings)
    yield small_engine
    await small_engine.dispose()


@pytest.fixture
def small_service(
    app: FastAPI,
    service: Client,
    single_connection: AsyncEngine,
    store: SnapshotStore,
    settings: Settings,
) -> Client:
    """The API with the service token, on one connection."""
    sessions = database.create_session_factory(single_connection)
    resources: Resources = app.state.resources
    app.state.resources = replace(
        resources, sessions=sessions, publisher=SnapshotPublisher(sessions, store, settings)
    )
    return service


async def test_no_request_waits_for_a_second_connection(small_service: Client, sql: Sql) -> None:
    """Otherwise as many requests as connections could wait for each other."""
    user = (await small_service.put("/users/by-telegram-id/1", json={})).json()
    headers = make_user_headers(user)
    task = {"user_id": user["id"], "title": "Milk"}
    keyed = headers | {"Idempotency-Key": "tg:1:1/0.0"}

    responses = await asyncio.gather(
        small_service.put("/users/by-telegram-id/2", json={}),
        small_service.put("/users", json={"profiles": [{"telegram_id": 3}]}),
        small_service.post("/tasks", json=task, headers=keyed),
        small_service.patch(f"/users/{user['id']}", json={"language": "ru"}, headers=headers),
        small_service.patch(f"/users/{user['id']}", json={"role": "owner"}, headers=headers),
        small_service.post("/users", json={"telegram_id": 1}),
        small_service.post("/users", json={"telegram_id": "one"}),
        small_service.get("/users/by-telegram-id/9"),
    )

    assert [one.status_code for one in responses] == [201, 200, 201, 200, 403, 409, 422, 404]
    assert await sql("SELECT status FROM audit_log WHERE result = 'refused' ORDER BY status") == [
        (403,),
        (409,),
        (422,),
    ]


async def test_a_connection_that_postgres_closed_is_replaced(
    small_service: Client, single_connection: AsyncEngine, sql: Sql
) -> None:
    async with single_connection.connect() as connection:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        driver = (await connection.get_raw_connection()).driver_connection
    await sql(f"SELECT pg_terminate_backend({pid})")
    assert driver is not None
    async with asyncio.timeout(60):
        while not driver.is_closed():
            await asyncio.sleep(0.01)

    response = await small_service.put("/users/by-telegram-id/1", json={})

    assert response.status_code == 201
