"""Snapshots of users in Redis."""

from decimal import Decimal
from uuid import UUID

from fastapi.encoders import jsonable_encoder

from rest_service.app.database import SessionFactory
from rest_service.app.snapshots import users
from rest_service.tests.api_helpers import Client, Make, Sql
from rest_service.tests.snapshot_helpers import read_stored_user
from smart_kit.redis import Redis


class TestUsers:
    async def test_new_user_is_published_before_the_response(
        self, make: Make, redis: Redis
    ) -> None:
        user = await make("users", language_code="ru")

        stored = await read_stored_user(redis, user)
        assert stored.id == UUID(user["id"])
        assert (stored.first_name, stored.language_code) == (user["first_name"], "ru")
        assert (stored.role, stored.status, stored.threads) == ("user", "active", {})

    async def test_each_user_change_raises_the_version(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        versions = [(await read_stored_user(redis, user)).version]
        await make("models", provider_id=(await make("providers"))["id"], is_user_selectable=True)
        for change in (
            {"status": "blocked"},
            {"timezone": "Asia/Tokyo"},
            {"language": "ru"},
            {"model": "model-1"},
            {"daily_budget": Decimal("0.25")},
        ):
            await admin.patch(f"/users/{user['id']}", json=jsonable_encoder(change))
            stored = await read_stored_user(redis, user)
            assert stored.model_dump() | change == stored.model_dump()
            versions.append(stored.version)
        thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        stored = await read_stored_user(redis, user)
        versions.append(stored.version)
        assert stored.threads == {UUID(poet["id"]): UUID(thread["thread_id"])}
        await admin.delete(f"/threads/{thread['id']}")
        stored = await read_stored_user(redis, user)
        versions.append(stored.version)

        assert stored.threads[UUID(poet["id"])] != UUID(thread["thread_id"])
        assert versions == sorted(set(versions))

    async def test_user_without_budget_has_the_deployment_budget(
        self, admin: Client, make: Make, sessions: SessionFactory
    ) -> None:
        poor, rich = await make("users"), await make("users")
        await admin.patch(f"/users/{poor['id']}", json={"daily_budget": 0})
        ids = [UUID(poor["id"]), UUID(rich["id"])]

        async with sessions() as session:
            limited = await users.build_snapshots(session, ids, Decimal("1.50"))
            unlimited = await users.build_snapshots(session, ids, None)

        assert {item.id: item.daily_budget for item in limited} == {
            ids[0]: Decimal(0),
            ids[1]: Decimal("1.5"),
        }
        assert {item.id: item.daily_budget for item in unlimited} == {
            ids[0]: Decimal(0),
            ids[1]: None,
        }

    async def test_removed_user_has_no_snapshot(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        user = await make("users")

        await admin.delete(f"/users/{user['id']}")

        assert await redis.keys("user:*") == []

    async def test_recreated_user_has_a_higher_version(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        """Otherwise the snapshot of the first user would never be replaced."""
        user = await make("users", telegram_id=7)
        first = await read_stored_user(redis, user)
        await admin.delete(f"/users/{user['id']}")
        await make("users", telegram_id=7)

        assert (await read_stored_user(redis, user)).version > first.version

    async def test_direct_sql_change_raises_the_version(
        self, make: Make, sql: Sql, redis: Redis, sessions: SessionFactory
    ) -> None:
        user = await make("users")
        before = (await read_stored_user(redis, user)).version
        await sql("UPDATE users SET status = 'blocked'")

        async with sessions() as session:
            ((_, version),) = (await users.read_versions(session)).values()
        assert version > before

    async def test_using_a_thread_does_not_raise_the_version(
        self, make: Make, sql: Sql, sessions: SessionFactory
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        await make("threads", user_id=user["id"], assistant_id=poet["id"])
        async with sessions() as session:
            before = await users.read_versions(session)
        await sql("UPDATE user_assistant_threads SET last_used_at = now()")

        async with sessions() as session:
            assert await users.read_versions(session) == before
