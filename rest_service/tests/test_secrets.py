from uuid import UUID

import pytest

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_KEY
from smart_kit.redis import Redis
from smart_kit.vault import Vault

VALUE = "a-value-that-is-never-shown"


async def make_rest_tool(make: Make, **call: object) -> JsonObject:
    """Return a tool that sends the secret `words` to its server."""
    return await make(
        "tools",
        name="look_up",
        tool_type="rest",
        http_call={
            "url": "https://api.example/v1/words",
            "headers": {"Authorization": "Bearer {secret:words}"},
        }
        | call,
    )


async def test_a_secret_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    secret = await make("secrets", name="words", origin="https://API.example:443/v1/")
    path = f"/secrets/{secret['id']}"

    assert (secret["name"], secret["origin"]) == ("words", "https://api.example")
    assert secret["state"] == "stored"
    changed = (await admin.put(path, json={"value": "another"})).json()
    assert changed == secret | {"updated_at": changed["updated_at"]}
    assert await list_items(admin, "/secrets") == [changed]
    assert (await admin.get(path)).json() == changed
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_value_is_stored_encrypted_and_never_returned(
    admin: Client, make: Make, sql: Sql, vault: Vault
) -> None:
    secret = await make("secrets", value=VALUE)
    ((encrypted,),) = await sql("SELECT encrypted_value FROM secrets")

    assert vault.decrypt(UUID(secret["id"]), encrypted) == VALUE
    answers = [await admin.get(path) for path in ("/secrets", "/audit")]
    answers.append(await admin.patch(f"/secrets/{secret['id']}", json={"value": VALUE}))
    for answer in answers:
        assert answer.status_code == 200
        assert VALUE not in answer.text
        assert encrypted not in answer.text


async def test_snapshot_contains_used_secret_encrypted(
    make: Make, redis: Redis, vault: Vault
) -> None:
    secret = await make("secrets", name="words", value=VALUE)
    tool, assistant = await make_rest_tool(make), await make("assistants")
    await make("assistant-tools", assistant_id=assistant["id"], tool_id=tool["id"])
    text = await redis.get(CONFIGURATION_KEY)

    assert VALUE not in str(text)
    (stored,) = ConfigurationSnapshot.model_validate_json(str(text)).secrets
    assert (str(stored.id), stored.name, stored.origin) == (
        secret["id"],
        "words",
        "https://api.example",
    )
    assert vault.decrypt(stored.id, stored.encrypted_value) == VALUE


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    "origin",
    ["https://elsewhere.example", "http://api.example", "https://api.example:8443"],
)
async def test_stored_value_is_not_sent_to_another_server(
    admin: Client, make: Make, method: str, origin: str
) -> None:
    secret = await make("secrets")
    path = f"/secrets/{secret['id']}"
    refused = await admin.request(method, path, json={"origin": origin})

    assert refused.status_code == 409
    assert "https://api.example" in refused.json()["detail"]
    assert (await admin.get(path)).json() == secret
    moved = await admin.request(method, path, json={"origin": origin, "value": VALUE})
    assert moved.json()["origin"] == origin


async def test_equivalent_origin_is_the_same_server(admin: Client, make: Make) -> None:
    secret = await make("secrets")
    same = {"origin": "HTTPS://API.EXAMPLE:443/v2"}

    changed = await admin.patch(f"/secrets/{secret['id']}", json=same)
    assert (changed.status_code, changed.json()["origin"]) == (200, "https://api.example")


async def test_secret_used_by_a_tool_cannot_be_moved_or_deleted(admin: Client, make: Make) -> None:
    secret, other = await make("secrets", name="words"), await make("secrets", name="word")
    tool = await make_rest_tool(make)
    path = f"/secrets/{secret['id']}"

    for refused in (
        await admin.delete(path),
        await admin.patch(path, json={"origin": "https://elsewhere.example", "value": VALUE}),
    ):
        assert refused.status_code == 409
        assert refused.json()["detail"] == "words is in use; tools that send it: look_up."
    assert (await admin.patch(path, json={"value": VALUE})).status_code == 200
    assert (await admin.delete(f"/secrets/{other['id']}")).status_code == 204
    assert (await admin.delete(f"/tools/{tool['id']}")).status_code == 204
    assert (await admin.delete(path)).status_code == 204


async def test_undecryptable_secret_is_unreadable(admin: Client, make: Make, sql: Sql) -> None:
    await make("secrets")
    await sql("UPDATE secrets SET encrypted_value = 'of another master key'")

    assert [item["state"] for item in await list_items(admin, "/secrets")] == ["unreadable"]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"name": "Words"}, 422, "name"),
        ({"name": "a-b"}, 422, "name"),
        ({"name": "taken"}, 409, "taken"),
        ({"origin": "api.example"}, 422, "origin"),
        ({"origin": "ftp://api.example"}, 422, "origin"),
        ({"origin": "https://me:pw@api.example"}, 422, "origin: must be only scheme, host"),
        ({"origin": "https://api.example?key=pw"}, 422, "the secret belongs in value"),
        ({"origin": "https://0x7f.1"}, 400, "origin"),
        ({"value": ""}, 422, "value"),
        ({"value": "v" * 8193}, 422, "longer than 8192 characters"),
        ({"value": None}, 422, "value"),
        ({"value": f"{VALUE}\n"}, 422, "value"),
        ({"value": f"{VALUE}\x00"}, 422, "value"),
        ({"value": f"{VALUE}ключ"}, 422, "value"),
        ({"encrypted_value": "x"}, 422, "encrypted_value"),
    ],
)
async def test_invalid_body_is_refused_without_quoting_secrets(
    admin: Client, make: Make, body: JsonObject, status: int, place: str
) -> None:
    await make("secrets", name="taken")
    fields = {"name": "x", "origin": "https://api.example", "value": VALUE}
    refused = await admin.post("/secrets", json=fields | body)

    assert (refused.status_code, place in refused.json()["detail"]) == (status, True), refused.text
    assert VALUE not in refused.text


@pytest.mark.parametrize("key", ["ключ", "two words", "a\nb", " \n", "a\x00", "a\x7f"])
async def test_key_invalid_in_a_header_is_refused(admin: Client, key: str) -> None:
    fields = {"name": "x", "base_url": "https://api.example/v1", "api_key": key}
    refused = await admin.post("/providers", json=fields)

    assert (refused.status_code, "api_key" in refused.json()["detail"]) == (422, True)


async def test_whitespace_around_a_key_is_stripped(make: Make, sql: Sql, vault: Vault) -> None:
    provider = await make("providers", api_key=f" {VALUE}\r\n")

    ((encrypted,),) = await sql("SELECT encrypted_api_key FROM llm_providers")
    assert vault.decrypt(UUID(provider["id"]), encrypted) == VALUE


async def test_value_cannot_be_null(admin: Client, make: Make) -> None:
    secret = await make("secrets")
    refused = await admin.patch(f"/secrets/{secret['id']}", json={"value": None})

    assert (refused.status_code, refused.json()["detail"]) == (400, "value cannot be null.")
