import asyncio
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.models import metadata
from rest_service.app.services import key_rotation
from rest_service.app.services.key_rotation import ENCRYPTED_COLUMNS
from rest_service.app.snapshots.publisher import SnapshotPublisher
from rest_service.app.snapshots.store import SnapshotStore
from rest_service.tests.api_helpers import (
    ADMIN_TOKEN,
    MASTER_KEYS,
    Client,
    Make,
    Sql,
    list_items,
    make_client,
)
from rest_service.tests.test_secrets import make_rest_tool
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_KEY
from smart_kit.redis import Redis, connect
from smart_kit.testing.ports import free_port
from smart_kit.vault import Vault

NEW_KEY, OLD_KEY = MASTER_KEYS
NEW_KEY_VAULT = Vault((NEW_KEY,))
KEY = "sk-a-key-of-no-worth"


async def encrypt_with_old_key(sql: Sql) -> None:
    """Encrypt everything with the old key."""
    for table, column in ENCRYPTED_COLUMNS:
        name = table.__tablename__
        for row_id, encrypted in await sql(f"SELECT id, {column} FROM {name}"):
            if encrypted is not None:
                plain = Vault(MASTER_KEYS).decrypt(row_id, encrypted)
                aged = Vault((OLD_KEY,)).encrypt(row_id, str(plain))
                await sql(f"UPDATE {name} SET {column} = '{aged}' WHERE id = '{row_id}'")


async def rotate_keys(admin: Client) -> dict[str, int]:
    answer = await admin.post("/secrets/rotation")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_every_encrypted_column_is_rotated() -> None:
    columns = {
        (name, column.name)
        for name, table in metadata.tables.items()
        for column in table.columns
        if column.name.startswith("encrypted_")
    }

    assert {(table.__tablename__, column) for table, column in ENCRYPTED_COLUMNS} == columns


async def test_new_key_alone_decrypts_everything_after_rotation(
    admin: Client, make: Make, sql: Sql
) -> None:
    provider, secret = await make("providers", api_key=KEY), await make("secrets", value="word")
    await make("providers")
    await encrypt_with_old_key(sql)

    assert await rotate_keys(admin) == {"rewritten": 2, "unchanged": 0, "unreadable": 0}
    (stored,) = await sql("SELECT encrypted_api_key FROM llm_providers WHERE name = 'Provider 1'")
    ((value,),) = await sql("SELECT encrypted_value FROM secrets")
    assert NEW_KEY_VAULT.decrypt(UUID(provider["id"]), stored[0]) == KEY
    assert NEW_KEY_VAULT.decrypt(UUID(secret["id"]), value) == "word"
    assert await rotate_keys(admin) == {"rewritten": 0, "unchanged": 2, "unreadable": 0}


async def test_snapshot_has_new_ciphertexts_when_rotation_returns(
    admin: Client, make: Make, sql: Sql, redis: Redis
) -> None:
    await make("providers", api_key=KEY)
    await make("secrets", name="words", value="word")
    tool, assistant = await make_rest_tool(make), await make("assistants")
    await make("assistant-tools", assistant_id=assistant["id"], tool_id=tool["id"])
    await encrypt_with_old_key(sql)
    await rotate_keys(admin)

    text = str(await redis.get(CONFIGURATION_KEY))
    snapshot = ConfigurationSnapshot.model_validate_json(text)
    (secret,) = snapshot.secrets
    assert NEW_KEY_VAULT.decrypt(secret.id, secret.encrypted_value) == "word"
    for provider in snapshot.providers:
        assert NEW_KEY_VAULT.decrypt(provider.id, str(provider.encrypted_api_key)) == KEY


async def test_rotation_is_503_during_redis_outage(
    app: FastAPI, make: Make, sessions: SessionFactory, settings: Settings
) -> None:
    await make("secrets")
    nowhere = connect(settings.model_copy(update={"redis_port": free_port()}))
    publisher = SnapshotPublisher(sessions, SnapshotStore(nowhere), settings)
    app.state.resources = replace(app.state.resources, publisher=publisher)
    async with make_client(app, Authorization=f"Bearer {ADMIN_TOKEN}") as http:
        answer = await http.post("/secrets/rotation")
    await nowhere.aclose()

    assert answer.status_code == 503


async def test_unreadable_values_are_counted_and_stay(admin: Client, make: Make, sql: Sql) -> None:
    await make("secrets")
    await sql("UPDATE secrets SET encrypted_value = 'of another master key'")

    assert await rotate_keys(admin) == {"rewritten": 0, "unchanged": 0, "unreadable": 1}
    assert await sql("SELECT encrypted_value FROM secrets") == [("of another master key",)]


async def test_batches_cover_every_row_once(
    admin: Client, make: Make, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH_SIZE", 2)
    for _ in range(5):
        await make("secrets")
    await encrypt_with_old_key(sql)

    assert await rotate_keys(admin) == {"rewritten": 5, "unchanged": 0, "unreadable": 0}


async def test_concurrent_writes_are_not_overwritten(admin: Client, make: Make, sql: Sql) -> None:
    made = [await make("secrets", value="before") for _ in range(6)]
    await encrypt_with_old_key(sql)

    async def write(secret_id: str) -> httpx2.Response:
        return await admin.patch(f"/secrets/{secret_id}", json={"value": "after"})

    await asyncio.gather(
        *(write(item["id"]) for item in made), *(admin.post("/secrets/rotation") for _ in range(3))
    )
    stored = await sql("SELECT id, encrypted_value FROM secrets")
    assert [NEW_KEY_VAULT.decrypt(row_id, value) for row_id, value in stored] == ["after"] * 6


async def test_rotation_is_recorded_before_it_starts(admin: Client) -> None:
    await rotate_keys(admin)

    (entry, *_) = await list_items(admin, "/audit")
    assert (entry["action"], entry["result"]) == ("rotate_secrets", "started")
