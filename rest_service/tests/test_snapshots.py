"""Redis matches Postgres at the latest when the response to a change arrives."""

import json
from typing import get_args
from uuid import UUID

import pytest

from rest_service.app.background.snapshot_reconciler import SnapshotReconciler
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.session_changes import ChangesToPublish
from rest_service.app.snapshots import configuration
from rest_service.app.snapshots.publisher import SnapshotPublisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import Client, Make, Sql
from rest_service.tests.snapshot_helpers import read_stored_assistants, read_stored_configuration
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import (
    CONFIGURATION_CHANNEL,
    CONFIGURATION_KEY,
    CRON_CHANNEL,
)
from smart_kit.contracts.models import Capability
from smart_kit.redis import Redis
from smart_kit.vault import Vault


class TestConfiguration:
    async def test_change_is_published_before_the_response(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(CONFIGURATION_CHANNEL)
            await pubsub.get_message(timeout=30)  # the subscription
            poet = await make("assistants", name="Poet")
            first = await read_stored_configuration(redis)
            await admin.patch(f"/assistants/{poet['id']}", json={"instructions": "Rhyme."})
            second = await read_stored_configuration(redis)
            announced = [await pubsub.get_message(timeout=30) for _ in range(2)]

        assert [item.name for item in first.assistants] == ["Poet"]
        assert second.assistants[0].instructions == "Rhyme."
        assert second.version > first.version
        versions = [int(item["data"]) for item in announced if item]
        assert versions == [first.version, second.version]

    async def test_snapshot_contains_active_records_with_resolved_links(
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
        ]
        for tool in tools:
            await admin.post(f"/assistants/{secretary['id']}/tools/{tool['id']}")
        own = (await admin.get("/assistant-tools", params={"tool_id": tools[2]["id"]})).json()
        path = f"/assistant-tools/{own['items'][0]['id']}"
        await admin.patch(path, json={"sub_assistant_id": novelist["id"]})

        stored = await read_stored_assistants(redis)
        assert list(stored) == ["Secretary", "Poet", "N"], "oldest first"
        offered = stored["Secretary"].tools
        assert [tool.name for tool in offered] == ["ask_novelist", "ask_poet", "zone"]
        sub_assistant_ids = [tool.sub_assistant_id for tool in offered]
        assert sub_assistant_ids == [UUID(novelist["id"]), UUID(poet["id"]), None]
        assert offered[2].input_schema == tools[0]["input_schema"]
        assert stored["Poet"].tools == ()

        await admin.patch(path, json={"is_active": False})
        await admin.patch(f"/assistants/{poet['id']}", json={"is_active": False})
        stored = await read_stored_assistants(redis)
        assert [tool.name for tool in stored["Secretary"].tools] == ["zone"]

    @pytest.mark.parametrize("table", ["assistants", "tools", "assistant_tool_link"])
    async def test_direct_sql_changes_raise_the_version(
        self, admin: Client, make: Make, sql: Sql, sessions: SessionFactory, table: str
    ) -> None:
        poet, tool = await make("assistants"), await make("tools")
        await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")
        statements = (f"UPDATE {table} SET is_active = false", f"DELETE FROM {table}")

        for statement in statements:
            async with sessions() as session:
                before = await configuration.read_version(session)
            await sql(statement)
            async with sessions() as session:
                assert await configuration.read_version(session) > before, statement

    @pytest.mark.parametrize("table", ["llm_providers", "llm_models", "secrets"])
    async def test_model_and_secret_changes_raise_the_version(
        self, make: Make, sql: Sql, sessions: SessionFactory, table: str
    ) -> None:
        await make("models", provider_id=(await make("providers"))["id"])
        await make("secrets")
        async with sessions() as session:
            before = await configuration.read_version(session)
        await sql(f"UPDATE {table} SET updated_at = now()")

        async with sessions() as session:
            assert await configuration.read_version(session) > before

    async def test_snapshot_is_read_at_one_point_in_time(
        self, admin: Client, make: Make, sessions: SessionFactory
    ) -> None:
        """Otherwise it could contain half of a concurrent change."""
        async with sessions() as session:
            snapshot = await configuration.build_snapshot(session, ())
            await make("assistants")
            assert await configuration.read_version(session) == snapshot.version

    async def test_a_refused_change_raises_nothing(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet = await make("assistants")
        before = await read_stored_configuration(redis)

        await admin.post("/assistants", json={"name": poet["name"], "instructions": ""})

        assert await read_stored_configuration(redis) == before

    async def test_an_older_version_never_replaces_a_newer_one(self, store: SnapshotStore) -> None:
        new, old = ConfigurationSnapshot(version=7), ConfigurationSnapshot(version=6)

        assert await store.put_if_newer("k", new)
        assert not await store.put_if_newer("k", old)
        assert (await store.get_many(["k"]))["k"].version == 7
        assert await store.put_if_newer("k", new), "the same version may be written again"


class TestModels:
    """Providers, models and secrets in the snapshot."""

    async def test_snapshot_contains_active_models_by_name(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        provider = await make("providers", name="Open", api_key="sk-of-no-worth")
        closed = await make("providers", is_active=False)
        fields = {
            "api": "responses",
            "parameters": {"z": 1, "a": 2},
            "capabilities": ["vision", "tools"],
            "input_price": "0.10",
            "is_user_selectable": True,
        }
        own = {"provider_id": provider["id"]}
        await make("models", **own, provider_model_name="small", **fields)
        choosable = {"is_user_selectable": True}
        await make("models", **own, provider_model_name="large", **choosable)
        await make("models", **own, provider_model_name="retired", is_active=False, **choosable)
        await make("models", provider_id=closed["id"], provider_model_name="homeless", **choosable)

        stored = await read_stored_configuration(redis)
        assert [item.name for item in stored.providers] == ["Open"]
        assert [item.name for item in stored.models] == ["large", "small"]
        small = stored.models[1]
        assert (small.api, small.parameters) == ("responses", {"z": 1, "a": 2})
        assert (str(small.input_price), small.output_price) == ("0.1", None)
        assert (small.capabilities, small.is_user_selectable) == ({"tools", "vision"}, True)
        assert small.provider_id == stored.providers[0].id
        await admin.patch(f"/providers/{provider['id']}", json={"is_active": False})
        stored = await read_stored_configuration(redis)
        assert (stored.providers, stored.models) == ((), ())

    async def test_snapshot_contains_only_used_or_selectable_models(
        self, admin: Client, make: Make, redis: Redis, settings: Settings
    ) -> None:
        own = {"provider_id": (await make("providers"))["id"]}
        names = ("own", "other", "chosen", "unnamed", "sleeping", settings.default_model)
        for name in names:
            fields = {"provider_model_name": name, "is_user_selectable": name == "chosen"}
            await make("models", **own, **fields)
        await make("assistants", name="Poet", model="own", fallback_models=["other"])
        sleeper = await make("assistants", name="Sleeper", model="sleeping", is_active=False)

        async def read_model_names() -> set[str]:
            return {item.name for item in (await read_stored_configuration(redis)).models}

        expected = {"own", "other", "chosen", settings.default_model}
        assert await read_model_names() == expected
        await admin.patch(f"/assistants/{sleeper['id']}", json={"is_active": True})
        assert await read_model_names() == expected | {"sleeping"}

    async def test_snapshot_contains_provider_key_encrypted(
        self, make: Make, redis: Redis, vault: Vault
    ) -> None:
        await make("providers", api_key="sk-of-no-worth")

        (provider,) = (await read_stored_configuration(redis)).providers
        assert vault.decrypt(provider.id, provider.encrypted_api_key or "") == "sk-of-no-worth"
        assert "sk-of-no-worth" not in (await redis.get(CONFIGURATION_KEY) or "")

    async def test_snapshot_names_the_default_models(
        self, make: Make, redis: Redis, settings: Settings
    ) -> None:
        await make("assistants")

        assert (
            await read_stored_configuration(redis)
        ).default_models == settings.default_model_names

    async def test_snapshot_contains_model_chain_and_limits(self, make: Make, redis: Redis) -> None:
        own = {"provider_id": (await make("providers"))["id"]}
        for name in ("large", "small"):
            await make("models", **own, provider_model_name=name)
        limits = {"temperature": 0.5, "max_output_tokens": 99, "max_context_messages": 5}
        await make("assistants", name="Poet", model="large", fallback_models=["small"], **limits)
        await make("assistants", name="Clerk")

        stored = await read_stored_assistants(redis)
        assert (stored["Poet"].model, stored["Poet"].fallback_models) == ("large", ("small",))
        assert stored["Poet"].model_dump().items() >= limits.items()
        assert (stored["Clerk"].fallback_models, stored["Clerk"].max_tool_calls) == (None, None)

    async def test_snapshot_contains_only_secrets_of_active_tools(
        self, admin: Client, make: Make, redis: Redis, vault: Vault
    ) -> None:
        for name in ("used", "unlinked", "off", "unnamed"):
            await make("secrets", name=name, value=f"value of {name}")
        poet = await make("assistants", name="Poet")
        for name in ("used", "unlinked", "off"):
            call = {"url": "https://api.example/", "headers": {"X-Key": f"{{secret:{name}}}"}}
            rest = {"tool_type": "rest", "http_call": call, "effect_class": "none"}
            tool = await make("tools", name=name, cache_seconds=60, **rest)
            if name != "unlinked":
                await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")
        await admin.patch(f"/tools/{tool['id']}", json={"is_active": False})

        (offered,) = (await read_stored_assistants(redis))["Poet"].tools
        assert (offered.name, offered.effect_class, offered.cache_seconds) == ("used", "none", 60)
        assert offered.http_call is not None
        assert offered.http_call.headers == {"X-Key": "{secret:used}"}
        (secret,) = (await read_stored_configuration(redis)).secrets
        assert (secret.name, secret.origin) == ("used", "https://api.example")
        assert vault.decrypt(secret.id, secret.encrypted_value) == "value of used"

    async def test_same_state_has_the_same_serialization(
        self, make: Make, redis: Redis, reconciler: SnapshotReconciler
    ) -> None:
        """Otherwise replicas would reload it, and the caches of providers would be lost."""
        own = {"provider_id": (await make("providers", api_key="sk-of-no-worth"))["id"]}
        every: list[Capability] = list(get_args(Capability))
        await make(
            "models", **own, capabilities=every, input_price="0.100", is_user_selectable=True
        )
        before = await redis.get(CONFIGURATION_KEY)
        await reconciler.reconcile(rewrite_all=True)

        assert await redis.get(CONFIGURATION_KEY) == before
        assert f'"capabilities":{json.dumps(sorted(every), separators=(",", ":"))}' in before
        assert '"input_price":"0.1"' in before


async def test_no_change_publishes_nothing(
    sessions: SessionFactory, redis: Redis, settings: Settings
) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(CRON_CHANNEL, CONFIGURATION_CHANNEL)
        await pubsub.get_message(timeout=30)
        await SnapshotPublisher(sessions, SnapshotStore(redis), settings).publish(
            ChangesToPublish()
        )
        await redis.publish(CRON_CHANNEL, "the end")

        message = None
        while message is None:
            message = await pubsub.get_message(timeout=30)
    assert message["data"] == "the end"
