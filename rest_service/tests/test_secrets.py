from uuid import UUID

import pytest

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_KEY
from smart_kit.redis import Redis
from smart_kit.vault import Vault

VALUE = "a-value-that-nobody-is-shown"


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


async def test_its_value_is_kept_encrypted_for_its_row_and_never_shown(
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


async def test_an_assistant_whose_tool_names_it_finds_it_encrypted_in_the_snapshot(
    make: Make, redis: Redis, vault: Vault
) -> None:
    secret = await make("secrets", name="words", value=VALUE)
    tool, assistant = await make_rest_tool(make), await make("assistants")
    await make("assistant-tools", assistant_id=assistant["id"], tool_id=tool["id"])
    text = await redis.get(CONFIGURATION_KEY)

    assert VALUE not in str(text)
    (one,) = ConfigurationSnapshot.model_validate_json(str(text)).secrets
    assert (str(one.id), one.name, one.origin) == (secret["id"], "words", "https://api.example")
    assert vault.decrypt(one.id, one.encrypted_value) == VALUE


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    "origin",
    ["https://elsewhere.example", "http://api.example", "https://api.example:8443"],
)
async def test_a_kept_value_follows_to_no_other_server(
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


async def test_the_same_server_written_otherwise_is_no_other(admin: Client, make: Make) -> None:
    secret = await make("secrets")
    same = {"origin": "HTTPS://API.EXAMPLE:443/v2"}

    changed = await admin.patch(f"/secrets/{secret['id']}", json=same)
    assert (changed.status_code, changed.json()["origin"]) == (200, "https://api.example")


async def test_what_a_tool_sends_neither_goes_nor_moves_and_the_tool_is_named(
    admin: Client, make: Make
) -> None:
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


async def test_one_that_no_master_key_opens_says_so(admin: Client, make: Make, sql: Sql) -> None:
    await make("secrets")
    await sql("UPDATE secrets SET encrypted_value = 'of another master key'")

    assert [one["state"] for one in await list_items(admin, "/secrets")] == ["unreadable"]


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({"name": "Words"}, 422, "name"),
        ({"name": "a-b"}, 422, "name"),
        ({"name": "taken"}, 409, "taken"),
        ({"origin": "api.example"}, 422, "origin"),
        ({"origin": "ftp://api.example"}, 422, "origin"),
        ({"origin": "https://me:pw@api.example"}, 422, "origin: must be only scheme, host"),
        ({"origin": "https://api.example?key=pw"}, 422, "the secret belongs into value"),
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
async def test_what_cannot_be_meant_is_refused_without_repeating_it(
    admin: Client, make: Make, body: JsonObject, status: int, place: str
) -> None:
    await make("secrets", name="taken")
    given = {"name": "x", "origin": "https://api.example", "value": VALUE}
    refused = await admin.post("/secrets", json=given | body)

    assert (refused.status_code, place in refused.json()["detail"]) == (status, True), refused.text
    assert VALUE not in refused.text


@pytest.mark.parametrize("key", ["ключ", "two words", "a\nb", " \n", "a\x00", "a\x7f"])
async def test_a_providers_key_that_no_header_holds_is_refused(admin: Client, key: str) -> None:
    given = {"name": "x", "base_url": "https://api.example/v1", "api_key": key}
    refused = await admin.post("/providers", json=given)

    assert (refused.status_code, "api_key" in refused.json()["detail"]) == (422, True)


async def test_a_line_end_that_was_copied_with_a_key_is_none_of_it(
    make: Make, sql: Sql, vault: Vault
) -> None:
    provider = await make("providers", api_key=f" {VALUE}\r\n")

    ((encrypted,),) = await sql("SELECT encrypted_api_key FROM llm_providers")
    assert vault.decrypt(UUID(provider["id"]), encrypted) == VALUE


async def test_a_value_cannot_be_taken_away(admin: Client, make: Make) -> None:
    secret = await make("secrets")
    refused = await admin.patch(f"/secrets/{secret['id']}", json={"value": None})

    assert (refused.status_code, refused.json()["detail"]) == (400, "value cannot be null.")
