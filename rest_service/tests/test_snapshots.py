"""What stands in Redis is what Postgres says, at the latest when the answer to a change arrives."""

from uuid import UUID

import pytest

from rest_service.app.changes import Changes
from rest_service.app.database import Sessions
from rest_service.app.snapshots import configuration
from rest_service.app.snapshots.publisher import Publisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api import Client, Make, Sql
from rest_service.tests.kept import kept_assistants, kept_configuration
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import (
    CONFIGURATION_CHANNEL,
    CRON_CHANNEL,
)
from smart_kit.redis import Redis


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
