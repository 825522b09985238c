from uuid import UUID

import pytest
from fastapi import FastAPI

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.vault import Vault

KEY = "sk-a-key-of-no-worth"


async def test_a_provider_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    provider = await make("providers", name=" Ollama ", base_url="http://127.0.0.1:11434/v1/")
    path = f"/providers/{provider['id']}"

    assert (provider["name"], provider["base_url"]) == ("Ollama", "http://127.0.0.1:11434/v1")
    assert (provider["api_key_state"], provider["is_active"]) == ("none", True)
    changed = (await admin.put(path, json={"name": "Home", "is_active": False})).json()
    same = {"name": "Home", "is_active": False, "updated_at": changed["updated_at"]}
    assert changed == provider | same
    assert await list_items(admin, "/providers") == [changed]
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_key_is_stored_encrypted_and_never_returned(
    admin: Client, service: Client, make: Make, sql: Sql, vault: Vault
) -> None:
    provider = await make("providers", api_key=KEY)
    path = f"/providers/{provider['id']}"
    query = "SELECT encrypted_api_key FROM llm_providers"
    ((encrypted,),) = await sql(query)

    assert provider["api_key_state"] == "stored"
    assert vault.decrypt(UUID(provider["id"]), encrypted) == KEY
    for http in (admin, service):
        assert KEY not in (await http.get(path)).text
        assert "encrypted" not in (await http.get("/providers")).text
    assert (await admin.patch(path, json={"name": "x"})).json()["api_key_state"] == "stored"
    assert (await admin.patch(path, json={"api_key": None})).json()["api_key_state"] == "none"
    assert await sql(query) == [(None,)]


async def test_key_copied_from_another_row_is_unreadable(
    admin: Client, make: Make, app: FastAPI, sql: Sql
) -> None:
    first, second = await make("providers", api_key=KEY), await make("providers")
    await sql(
        "UPDATE llm_providers SET encrypted_api_key ="
        f" (SELECT encrypted_api_key FROM llm_providers WHERE id = '{first['id']}')"
        f" WHERE id = '{second['id']}'"
    )

    states = [item["api_key_state"] for item in await list_items(admin, "/providers")]
    assert states == ["stored", "unreadable"]


async def test_admin_can_return_a_provider_to_the_environment(
    admin: Client, make: Make, sql: Sql
) -> None:
    first, second = await make("providers", api_key=KEY), await make("providers", name="Second")
    path, back = f"/providers/{first['id']}", {"source": "environment"}

    for body in (back | {"base_url": "https://x.example"}, back | {"api_key": None}):
        refused = await admin.patch(path, json=body)
        assert (refused.status_code, "Set source alone" in refused.text) == (400, True)
    assert (await admin.patch(path, json=back)).json()["source"] == "environment"
    assert (await admin.patch(path, json=back | {"name": "First"})).status_code == 200
    only = await admin.patch(f"/providers/{second['id']}", json=back)
    assert (only.status_code, "First already follows the environment" in only.text) == (409, True)
    response = await admin.patch(path, json={"source": "administrator"})
    assert (response.json()["source"], response.json()["api_key_state"]) == (
        "administrator",
        "stored",
    )


@pytest.mark.parametrize(
    "base_url",
    [
        "https://elsewhere.example/v1",
        "http://models.example/v1",
        "https://models.example:8443/v1",
        "https://models.example.elsewhere.example/v1",
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_stored_key_is_not_sent_to_another_server(
    admin: Client, make: Make, sql: Sql, vault: Vault, method: str, base_url: str
) -> None:
    provider = await make("providers", api_key=KEY)
    path = f"/providers/{provider['id']}"
    refused = await admin.request(method, path, json={"name": "x", "base_url": base_url})

    assert refused.status_code == 409
    assert "https://models.example/v1" in refused.json()["detail"]
    assert "api_key" in refused.json()["detail"]
    assert (await admin.get(path)).json() == provider

    other = (await admin.patch(path, json={"base_url": base_url, "api_key": "sk-other"})).json()
    ((encrypted,),) = await sql("SELECT encrypted_api_key FROM llm_providers")
    assert (other["base_url"], other["api_key_state"]) == (base_url, "stored")
    assert vault.decrypt(UUID(provider["id"]), encrypted) == "sk-other"


async def test_ambiguous_base_url_change_requires_the_key(admin: Client, make: Make) -> None:
    provider = await make("providers", api_key=KEY, base_url="https://0x7f.1/v1")
    path = f"/providers/{provider['id']}"

    same = await admin.patch(path, json={"base_url": provider["base_url"], "name": "x"})
    assert (same.status_code, same.json()["source"]) == (200, "administrator")
    assert (await admin.patch(path, json={"base_url": "https://0x7f.1/v2"})).status_code == 409


async def test_unreadable_key_is_not_moved_to_another_server(
    admin: Client, make: Make, sql: Sql
) -> None:
    provider = await make("providers")
    await sql("UPDATE llm_providers SET encrypted_api_key = 'of another master key'")

    body = {"base_url": "https://elsewhere.example"}
    assert (await admin.patch(f"/providers/{provider['id']}", json=body)).status_code == 409


async def test_base_url_changes_on_same_server_or_without_key(admin: Client, make: Make) -> None:
    with_key, bare = await make("providers", api_key=KEY), await make("providers")
    elsewhere = {"base_url": "https://elsewhere.example"}
    same = {"base_url": "https://MODELS.example:443/v2"}

    moved = (await admin.patch(f"/providers/{with_key['id']}", json=same)).json()
    assert (moved["base_url"], moved["api_key_state"]) == (same["base_url"], "stored")
    dropped = await admin.patch(f"/providers/{with_key['id']}", json=elsewhere | {"api_key": None})
    assert dropped.json()["api_key_state"] == "none"
    changed = await admin.patch(f"/providers/{bare['id']}", json=elsewhere)
    assert changed.json()["base_url"] == elsewhere["base_url"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"base_url": "models.example/v1"}, 422, "address"),
        ({"base_url": "ftp://models.example"}, 422, "address"),
        ({"base_url": "https://"}, 422, "address"),
        ({"base_url": "https://[::1"}, 422, "address"),
        ({"base_url": "https://x:port/"}, 422, "address"),
        ({"base_url": "https://me:secret@models.example"}, 422, "api_key"),
        ({"base_url": "https://models.example?key=secret"}, 422, "api_key"),
        ({"base_url": "https://models.example/a b"}, 422, "base_url"),
        ({"api_key": ""}, 422, "api_key"),
        ({"api_key": "k" * 4097}, 422, "longer than 4096 characters"),
        ({"encrypted_api_key": "x"}, 422, "encrypted_api_key"),
        ({"name": "Taken"}, 409, "Taken"),
    ],
)
async def test_invalid_body_is_refused_without_quoting_secrets(
    admin: Client, make: Make, body: JsonObject, status: int, reason: str
) -> None:
    await make("providers", name="Taken")
    refused = await admin.post(
        "/providers", json={"name": "x", "base_url": "https://models.example"} | body
    )

    assert (refused.status_code, reason in refused.json()["detail"]) == (status, True), refused.text
    assert "secret" not in refused.text


async def test_provider_with_models_cannot_be_deleted(admin: Client, make: Make) -> None:
    provider = await make("providers", name="Home")
    await make("models", provider_id=provider["id"], provider_model_name="llama")

    refused = await admin.delete(f"/providers/{provider['id']}")

    assert refused.status_code == 409
    assert refused.json()["detail"] == "Home is in use; its models: llama."
