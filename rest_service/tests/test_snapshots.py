"""What stands in Redis is what Postgres says, at the latest when the answer to a change arrives."""

from dataclasses import replace
from uuid import UUID

import pytest
from fastapi import FastAPI

from rest_service.app.changes import Changes
from rest_service.app.config import Settings
from rest_service.app.database import Sessions
from rest_service.app.snapshots import configuration, users
from rest_service.app.snapshots.publisher import Publisher
from rest_service.app.snapshots.reconciler import Reconciler
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api import ADMIN_TOKEN, Client, JsonObject, Make, Sql, client
from smart_kit.contracts.configuration import AssistantSnapshot, ConfigurationSnapshot
from smart_kit.contracts.keys import (
    CONFIGURATION_CHANNEL,
    CONFIGURATION_KEY,
    CRON_CHANNEL,
    history_key,
    user_key,
)
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis, connect
from smart_kit.testing.ports import free_port


async def kept_configuration(redis: Redis) -> ConfigurationSnapshot:
    return ConfigurationSnapshot.model_validate_json(await redis.get(CONFIGURATION_KEY) or "")


async def kept_assistants(redis: Redis) -> dict[str, AssistantSnapshot]:
    return {one.name: one for one in (await kept_configuration(redis)).assistants}


async def kept_user(redis: Redis, user: JsonObject) -> UserSnapshot:
    text = await redis.get(user_key(user["telegram_id"]))
    return UserSnapshot.model_validate_json(text or "")


@pytest.fixture
def reconciler(sessions: Sessions, store: SnapshotStore) -> Reconciler:
    return Reconciler(sessions, store)


@pytest.fixture
async def admin_without_redis(
    app: FastAPI, settings: Settings, sessions: Sessions
) -> tuple[Client, Redis]:
    """The API with the admin token, where nothing answers on Redis's port."""
    nowhere = connect(settings.model_copy(update={"redis_port": free_port()}))
    publisher = Publisher(sessions, SnapshotStore(nowhere))
    app.state.resources = replace(app.state.resources, publisher=publisher)
    return client(app, Authorization=f"Bearer {ADMIN_TOKEN}"), nowhere


class TestConfiguration:
    async def test_each_change_is_there_and_announced_when_the_answer_arrives(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        async with redis.pubsub() as heard:
            await heard.subscribe(CONFIGURATION_CHANNEL)
            await heard.get_message(timeout=1)  # the subscription
            poet = await make("assistants", name="Poet")
            first = await kept_configuration(redis)
            await admin.patch(f"/assistants/{poet['id']}", json={"instructions": "Rhyme."})
            second = await kept_configuration(redis)
            announced = [await heard.get_message(timeout=1) for _ in range(2)]

        assert [one.name for one in first.assistants] == ["Poet"]
        assert second.assistants[0].instructions == "Rhyme."
        assert second.version > first.version
        versions = [int(one["data"]) for one in announced if one]
        assert versions == [first.version, second.version]

    async def test_it_holds_what_is_active_with_links_resolved(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        secretary = await make("assistants", name="Secretary", is_secretary=True)
        poet, novelist = await make("assistants", name="Poet"), await make("assistants", name="N")
        await make("assistants", name="Retired", is_active=False)
        ask = {"tool_type": "sub_assistant", "assistant_id": poet["id"]}
        tools = [
            await make("tools", name="zone"),
            await make("tools", name="ask_poet", **ask),
            await make("tools", name="ask_novelist", **ask),
            await make("tools", name="off", is_active=False),
            await make("tools", name="list_events", tool_type="calendar"),
        ]
        for tool in tools:
            await admin.post(f"/assistants/{secretary['id']}/tools/{tool['id']}")
        own = (await admin.get("/assistant-tools", params={"tool_id": tools[2]["id"]})).json()
        path = f"/assistant-tools/{own['items'][0]['id']}"
        await admin.patch(path, json={"sub_assistant_id": novelist["id"]})

        kept = await kept_assistants(redis)
        assert list(kept) == ["Secretary", "Poet", "N"], "oldest first"
        offered = kept["Secretary"].tools
        assert [tool.name for tool in offered] == ["ask_novelist", "ask_poet", "zone"]
        asked = [tool.sub_assistant_id for tool in offered]
        assert asked == [UUID(novelist["id"]), UUID(poet["id"]), None]
        assert offered[2].input_schema == tools[0]["input_schema"]
        assert kept["Poet"].tools == ()

        await admin.patch(path, json={"is_active": False})
        await admin.patch(f"/assistants/{poet['id']}", json={"is_active": False})
        kept = await kept_assistants(redis)
        assert [tool.name for tool in kept["Secretary"].tools] == ["zone"]

    @pytest.mark.parametrize("table", ["assistants", "tools", "assistant_tool_link"])
    async def test_whoever_changes_a_record_the_version_rises(
        self, admin: Client, make: Make, sql: Sql, sessions: Sessions, table: str
    ) -> None:
        poet, tool = await make("assistants"), await make("tools")
        await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")
        statements = (f"UPDATE {table} SET is_active = false", f"DELETE FROM {table}")

        for statement in statements:
            async with sessions() as session:
                before = await configuration.version(session)
            await sql(statement)
            async with sessions() as session:
                assert await configuration.version(session) > before, statement

    async def test_a_refused_change_raises_nothing(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet = await make("assistants")
        before = await kept_configuration(redis)

        await admin.post("/assistants", json={"name": poet["name"], "instructions": ""})

        assert await kept_configuration(redis) == before

    async def test_an_older_version_never_replaces_a_newer_one(self, store: SnapshotStore) -> None:
        new, old = ConfigurationSnapshot(version=7), ConfigurationSnapshot(version=6)

        assert await store.put("k", new)
        assert not await store.put("k", old)
        assert (await store.kept(["k"]))["k"].version == 7
        assert await store.put("k", new), "the same version may be written again"


class TestUsers:
    async def test_a_new_person_is_there_when_the_answer_arrives(
        self, make: Make, redis: Redis
    ) -> None:
        user = await make("users", language_code="ru")

        kept = await kept_user(redis, user)
        assert kept.id == UUID(user["id"])
        assert (kept.first_name, kept.language_code) == (user["first_name"], "ru")
        assert (kept.role, kept.status, kept.threads) == ("user", "active", {})

    async def test_each_change_is_there_with_a_higher_version(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        versions = [(await kept_user(redis, user)).version]
        for change in ({"status": "blocked"}, {"timezone": "Asia/Tokyo"}, {"language": "ru"}):
            await admin.patch(f"/users/{user['id']}", json=change)
            kept = await kept_user(redis, user)
            assert kept.model_dump() | change == kept.model_dump()
            versions.append(kept.version)
        thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        kept = await kept_user(redis, user)
        versions.append(kept.version)
        assert kept.threads == {UUID(poet["id"]): UUID(thread["thread_id"])}
        await admin.delete(f"/threads/{thread['id']}")
        kept = await kept_user(redis, user)
        versions.append(kept.version)

        assert kept.threads[UUID(poet["id"])] != UUID(thread["thread_id"])
        assert versions == sorted(set(versions))

    async def test_a_removed_person_is_gone(self, admin: Client, make: Make, redis: Redis) -> None:
        user = await make("users")

        await admin.delete(f"/users/{user['id']}")

        assert await redis.keys("user:*") == []

    async def test_a_person_who_comes_again_is_newer_than_their_first_row(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        """Else what is left of the first in Redis would never give way."""
        user = await make("users", telegram_id=7)
        first = await kept_user(redis, user)
        await admin.delete(f"/users/{user['id']}")
        await make("users", telegram_id=7)

        assert (await kept_user(redis, user)).version > first.version

    async def test_a_change_by_hand_raises_the_version_too(
        self, make: Make, sql: Sql, redis: Redis, sessions: Sessions
    ) -> None:
        user = await make("users")
        before = (await kept_user(redis, user)).version
        await sql("UPDATE users SET status = 'blocked'")

        async with sessions() as session:
            ((_, version),) = (await users.marks(session)).values()
        assert version > before

    async def test_the_use_of_a_thread_raises_nothing(
        self, make: Make, sql: Sql, sessions: Sessions
    ) -> None:
        user, poet = await make("users"), await make("assistants")
        await make("threads", user_id=user["id"], assistant_id=poet["id"])
        async with sessions() as session:
            before = await users.marks(session)
        await sql("UPDATE user_assistant_threads SET last_used_at = now()")

        async with sessions() as session:
            assert await users.marks(session) == before


class TestWithoutRedis:
    async def test_a_change_is_made_and_announced_later(
        self,
        admin_without_redis: tuple[Client, Redis],
        reconciler: Reconciler,
        redis: Redis,
    ) -> None:
        http, nowhere = admin_without_redis
        body = {"name": "Poet", "instructions": "Rhyme."}

        async with http:
            assert (await http.post("/assistants", json=body)).status_code == 201
            assert (await http.post("/users", json={"telegram_id": 7})).status_code == 201
        await nowhere.aclose()
        await reconciler.reconcile()

        assert list(await kept_assistants(redis)) == ["Poet"]
        assert await redis.exists(user_key(7))

    async def test_a_thread_is_not_called_deleted_while_it_is_remembered(
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
    async def test_after_a_loss_of_all_keys_they_come_back(
        self, make: Make, reconciler: Reconciler, redis: Redis
    ) -> None:
        await make("assistants", name="Poet")
        user = await make("users")
        await redis.flushdb()

        await reconciler.reconcile()

        assert list(await kept_assistants(redis)) == ["Poet"]
        assert (await kept_user(redis, user)).id == UUID(user["id"])

    async def test_what_is_up_to_date_is_left_alone(
        self, make: Make, reconciler: Reconciler, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants")
        keys = (CONFIGURATION_KEY, user_key(user["telegram_id"]))
        marked = {}
        for key in keys:  # the same snapshots, but for a space
            marked[key] = (await redis.get(key) or "").replace(",", ", ", 1)
            await redis.set(key, marked[key])

        await reconciler.reconcile()
        assert {key: await redis.get(key) for key in keys} == marked

        await reconciler.reconcile(everything=True)
        assert not {key for key in keys if await redis.get(key) == marked[key]}

    async def test_a_missed_change_is_made_up_for(
        self, make: Make, sql: Sql, reconciler: Reconciler, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants")
        await sql("UPDATE users SET status = 'blocked'")
        await sql("UPDATE assistants SET name = 'Bard'")

        await reconciler.reconcile()

        assert (await kept_user(redis, user)).status == "blocked"
        assert list(await kept_assistants(redis)) == ["Bard"]

    async def test_what_belongs_to_another_database_gives_way_although_it_looks_newer(
        self, make: Make, reconciler: Reconciler, store: SnapshotStore, redis: Redis
    ) -> None:
        user = await make("users")
        await make("assistants", name="Poet")
        foreign = (await kept_user(redis, user)).model_copy(
            update={"version": 10**12, "status": "blocked", "id": UUID(int=1)}
        )
        await store.put(user_key(user["telegram_id"]), foreign)
        await store.put(CONFIGURATION_KEY, ConfigurationSnapshot(version=10**9))

        await reconciler.reconcile()

        assert (await kept_user(redis, user)).status == "active"
        assert list(await kept_assistants(redis)) == ["Poet"]

    async def test_people_who_are_no_more_and_texts_that_are_no_snapshots_go(
        self, make: Make, reconciler: Reconciler, redis: Redis
    ) -> None:
        user = await make("users")
        gone = (await kept_user(redis, user)).model_copy(update={"telegram_id": 99})
        await redis.set(user_key(99), gone.model_dump_json())
        await redis.set(user_key(98), "no snapshot")
        await redis.set(user_key(user["telegram_id"]), "[]")
        await redis.set(CONFIGURATION_KEY, "{}")

        await reconciler.reconcile()

        assert await redis.keys("user:*") == [user_key(user["telegram_id"])]
        assert (await kept_user(redis, user)).id == UUID(user["id"])
        assert (await kept_configuration(redis)).assistants == ()

    async def test_health_says_whether_the_snapshots_have_been_written(
        self, reconciler: Reconciler
    ) -> None:
        assert reconciler.probe() == "have not been written yet"


async def test_no_change_tells_nobody(sessions: Sessions, redis: Redis) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(CRON_CHANNEL, CONFIGURATION_CHANNEL)
        await heard.get_message(timeout=1.0)
        await Publisher(sessions, SnapshotStore(redis)).publish(Changes())
        await redis.publish(CRON_CHANNEL, "the end")

        said = None
        while said is None:
            said = await heard.get_message(timeout=1.0)
    assert said["data"] == "the end"
