"""Snapshots that were lost or never written are restored."""

from dataclasses import replace
from uuid import UUID

import pytest_asyncio
from fastapi import FastAPI

from rest_service.app.background.snapshot_reconciler import SnapshotReconciler
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.snapshots.publisher import SnapshotPublisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import ADMIN_TOKEN, Client, Make, Sql, make_client
from rest_service.tests.snapshot_helpers import (
    read_stored_assistants,
    read_stored_configuration,
    read_stored_user,
)
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import (
    CONFIGURATION_KEY,
    history_key,
    user_key,
)
from smart_kit.redis import Redis, connect
from smart_kit.testing.ports import free_port


@pytest_asyncio.fixture(loop_scope="session")
async def admin_without_redis(
    app: FastAPI, settings: Settings, sessions: SessionFactory
) -> tuple[Client, Redis]:
    """The API with the admin token, while Redis is unavailable."""
    nowhere = connect(settings.model_copy(update={"redis_port": free_port()}))
    publisher = SnapshotPublisher(sessions, SnapshotStore(nowhere), settings)
    app.state.resources = replace(app.state.resources, publisher=publisher)
    return make_client(app, Authorization=f"Bearer {ADMIN_TOKEN}"), nowhere


class TestWithoutRedis:
    async def test_change_during_redis_outage_is_published_later(
        self,
        admin_without_redis: tuple[Client, Redis],
        reconciler: SnapshotReconciler,
        redis: Redis,
    ) -> None:
        http, nowhere = admin_without_redis
        body = {"name": "Poet", "instructions": "Rhyme."}

        async with http:
            assert (await http.post("/assistants", json=body)).status_code == 201
            assert (await http.post("/users", json={"telegram_id": 7})).status_code == 201
        await nowhere.aclose()
        await reconciler.reconcile()

        assert list(await read_stored_assistants(redis)) == ["Poet"]
        assert await redis.exists(user_key(7))

    async def test_thread_deletion_is_503_while_history_remains(
        self, make: Make, redis: Redis, admin_without_redis: tuple[Client, Redis]
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        await redis.rpush(history_key(UUID(thread["thread_id"])), "{}")
        http, nowhere = admin_without_redis

        async with http:
            refused = await http.delete(f"/threads/{thread['id']}")
            assert (await http.get(f"/threads/{thread['id']}")).status_code == 200
        await nowhere.aclose()

        assert refused.status_code == 503
        assert refused.json()["error"] == "unavailable"
        assert refused.headers["retry-after"] == "1"


class TestReconciler:
    async def test_snapshots_are_restored_after_flush(
        self, make: Make, reconciler: SnapshotReconciler, redis: Redis
    ) -> None:
        await make("assistants", name="Poet")
        user = await make("users")
        await redis.flushdb()

        await reconciler.reconcile()

        assert list(await read_stored_assistants(redis)) == ["Poet"]
        assert (await read_stored_user(redis, user)).id == UUID(user["id"])

    async def test_current_snapshots_are_not_rewritten(
        self, make: Make, reconciler: SnapshotReconciler, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants")
        keys = (CONFIGURATION_KEY, user_key(user["telegram_id"]))
        marked = {}
        for key in keys:  # the same snapshots with an extra space
            marked[key] = (await redis.get(key) or "").replace(",", ", ", 1)
            await redis.set(key, marked[key])

        await reconciler.reconcile()
        assert {key: await redis.get(key) for key in keys} == marked

        await reconciler.reconcile(rewrite_all=True)
        assert not {key for key in keys if await redis.get(key) == marked[key]}

    async def test_missed_changes_are_published(
        self, make: Make, sql: Sql, reconciler: SnapshotReconciler, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants")
        await sql("UPDATE users SET status = 'blocked'")
        await sql("UPDATE assistants SET name = 'Bard'")

        await reconciler.reconcile()

        assert (await read_stored_user(redis, user)).status == "blocked"
        assert list(await read_stored_assistants(redis)) == ["Bard"]

    async def test_newer_snapshots_of_another_database_are_replaced(
        self, make: Make, reconciler: SnapshotReconciler, store: SnapshotStore, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants", name="Poet")
        foreign = (await read_stored_user(redis, user)).model_copy(
            update={"version": 10**12, "status": "blocked", "id": UUID(int=1)}
        )
        await store.put_if_newer(user_key(user["telegram_id"]), foreign)
        await store.put_if_newer(CONFIGURATION_KEY, ConfigurationSnapshot(version=10**9))

        await reconciler.reconcile()

        assert (await read_stored_user(redis, user)).status == "active"
        assert list(await read_stored_assistants(redis)) == ["Poet"]

    async def test_stale_and_malformed_snapshots_are_removed(
        self, make: Make, reconciler: SnapshotReconciler, redis: Redis
    ) -> None:
        user = await make("users")
        gone = (await read_stored_user(redis, user)).model_copy(update={"telegram_id": 99})
        await redis.set(user_key(99), gone.model_dump_json())
        await redis.set(user_key(98), "no snapshot")
        await redis.set(user_key(user["telegram_id"]), "[]")
        await redis.set(CONFIGURATION_KEY, "{}")

        await reconciler.reconcile()

        assert await redis.keys("user:*") == [user_key(user["telegram_id"])]
        assert (await read_stored_user(redis, user)).id == UUID(user["id"])
        assert (await read_stored_configuration(redis)).assistants == ()

    async def test_health_fails_until_snapshots_are_written(
        self, reconciler: SnapshotReconciler
    ) -> None:
        assert reconciler.health_error() == "have not been written yet"
