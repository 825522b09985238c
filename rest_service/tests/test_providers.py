from uuid import UUID

import pytest
from fastapi import FastAPI

from rest_service.app.encryption import Vault
from rest_service.tests.api import Client, JsonObject, Make, Sql, listed

KEY = "sk-a-key-of-no-worth"


async def test_a_provider_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    provider = await make("providers", name=" Ollama ", base_url="http://127.0.0.1:11434/v1/")
    path = f"/providers/{provider['id']}"

    assert (provider["name"], provider["base_url"]) == ("Ollama", "http://127.0.0.1:11434/v1")
    assert (provider["api_key_state"], provider["is_active"]) == ("none", True)
    changed = (await admin.put(path, json={"name": "Home", "is_active": False})).json()
    same = {"name": "Home", "is_active": False, "updated_at": changed["updated_at"]}
    assert changed == provider | same
    assert await listed(admin, "/providers") == [changed]
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_a_key_is_kept_encrypted_and_never_shown(
    admin: Client, service: Client, make: Make, sql: Sql, vault: Vault
) -> None:
    provider = await make("providers", api_key=KEY)
    path = f"/providers/{provider['id']}"
    kept = "SELECT encrypted_api_key FROM llm_providers"
    ((encrypted,),) = await sql(kept)

    assert provider["api_key_state"] == "kept"
    assert vault.decrypt(UUID(provider["id"]), encrypted) == KEY
    for http in (admin, service):
        assert KEY not in (await http.get(path)).text
        assert "encrypted" not in (await http.get("/providers")).text
    assert (await admin.patch(path, json={"name": "x"})).json()["api_key_state"] == "kept"
    assert (await admin.patch(path, json={"api_key": None})).json()["api_key_state"] == "none"
    assert await sql(kept) == [(None,)]


async def test_a_key_whose_master_key_is_gone_or_that_was_moved_says_so(
    admin: Client, make: Make, app: FastAPI, sql: Sql
) -> None:
    first, second = await make("providers", api_key=KEY), await make("providers")
    await sql(
        "UPDATE llm_providers SET encrypted_api_key ="
        f" (SELECT encrypted_api_key FROM llm_providers WHERE id = '{first['id']}')"
        f" WHERE id = '{second['id']}'"
    )

    states = [one["api_key_state"] for one in await listed(admin, "/providers")]
    assert states == ["kept", "unreadable"]


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
        ({"encrypted_api_key": "x"}, 422, "encrypted_api_key"),
        ({"name": "Taken"}, 409, "Taken"),
    ],
)
async def test_what_cannot_be_meant_is_refused_without_repeating_it(
    admin: Client, make: Make, body: JsonObject, status: int, reason: str
) -> None:
    await make("providers", name="Taken")
    refused = await admin.post(
        "/providers", json={"name": "x", "base_url": "https://models.example"} | body
    )

    assert (refused.status_code, reason in refused.json()["detail"]) == (status, True), refused.text
    assert "secret" not in refused.text


async def test_a_provider_with_models_stays(admin: Client, make: Make) -> None:
    provider = await make("providers", name="Home")
    await make("models", provider_id=provider["id"], provider_model_name="llama")

    refused = await admin.delete(f"/providers/{provider['id']}")

    assert refused.status_code == 409
    assert refused.json()["detail"] == "Home is in use; its models: llama."
