import asyncio
from uuid import UUID

import pytest
from pydantic import SecretStr

from rest_service.app.config import Settings
from rest_service.app.database import Sessions
from rest_service.app.defaults.models import register
from rest_service.tests.api import Client, JsonObject, Make, Sql, listed
from smart_kit.vault import Vault


async def test_a_model_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    provider, other = await make("providers"), await make("providers")
    body = {"parameters": {"reasoning_effort": "none", "a": 1}, "capabilities": ["tools"]}
    model = await make("models", provider_id=provider["id"], **body)
    path = f"/models/{model['id']}"

    assert model.items() >= (body | {"api": "chat", "is_active": True}).items()
    assert list(model["parameters"]) == ["reasoning_effort", "a"]
    change = {"api": "responses", "parameters": {}, "provider_id": other["id"]}
    changed = (await admin.put(path, json=change)).json()
    assert changed == model | change | {"updated_at": changed["updated_at"]}
    assert await listed(admin, "/models", provider_id=provider["id"]) == []
    assert await listed(admin, "/models") == [changed] == [(await admin.get(path)).json()]
    assert (await admin.delete(path)).status_code == 204
    assert await listed(admin, "/models") == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"provider_id": str(UUID(int=1))}, 404, "provider"),
        ({"provider_model_name": "taken"}, 409, "taken"),
        ({"provider_model_name": "a b"}, 422, "provider_model_name"),
        ({"api": "assistants"}, 422, "api"),
        ({"capabilities": ["flying"]}, 422, "capabilities"),
        ({"parameters": []}, 422, "parameters"),
        ({"parameters": {"a": "x" * 9000}}, 400, "parameters has"),
        ({"parameters": {"a": "\0"}}, 400, "NUL"),
        ({"parameters": {"stream": True, "model": "x"}}, 400, "model, stream"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    admin: Client, make: Make, body: JsonObject, status: int, reason: str
) -> None:
    provider = await make("providers")
    taken = await make("models", provider_id=provider["id"], provider_model_name="taken")
    model = await make("models", provider_id=provider["id"])
    whole = {"provider_id": provider["id"], "provider_model_name": "x"} | body

    for refused in (
        await admin.post("/models", json=whole),
        await admin.patch(f"/models/{model['id']}", json=body),
    ):
        assert refused.status_code == status, refused.text
        assert reason in refused.json()["detail"]
    assert await listed(admin, "/models") == [taken, model]


async def test_a_model_that_an_assistant_names_keeps_its_name_and_stays(
    admin: Client, make: Make
) -> None:
    provider = await make("providers")
    model = await make("models", provider_id=provider["id"], provider_model_name="llama")
    await make("assistants", name="Poet", model="llama")
    path = f"/models/{model['id']}"

    for refused in (
        await admin.delete(path),
        await admin.patch(path, json={"provider_model_name": "other"}),
    ):
        assert refused.status_code == 409
        assert "Poet" in refused.json()["detail"]
    assert (await admin.patch(path, json={"is_active": False})).status_code == 200


class TestFirstStart:
    @pytest.fixture
    def named(self, settings: Settings) -> Settings:
        return settings.model_copy(
            update={
                "openai_base_url": "https://me:password@models.example/v1/",
                "openai_api_key": SecretStr("sk-of-no-worth"),
                "default_model": "large",
                "fallback_model": "small",
            }
        )

    async def test_it_registers_what_the_environment_names_once(
        self, sessions: Sessions, named: Settings, vault: Vault, admin: Client, sql: Sql
    ) -> None:
        await asyncio.gather(*(register(sessions, named, vault) for _ in range(3)))

        (provider,) = await listed(admin, "/providers")
        assert (provider["name"], provider["base_url"]) == (
            "models.example",
            "https://models.example/v1",
        )
        assert provider["api_key_state"] == "kept"
        names = [one["provider_model_name"] for one in await listed(admin, "/models")]
        assert sorted(names) == ["large", "small"]

    async def test_what_an_administrator_has_made_stays_as_it_is(
        self, sessions: Sessions, named: Settings, vault: Vault, admin: Client, make: Make
    ) -> None:
        mine = await make("providers")
        await register(sessions, named, vault)
        assert await listed(admin, "/providers") == [mine]

    async def test_without_a_master_key_the_provider_comes_without_its_key(
        self, sessions: Sessions, named: Settings, admin: Client
    ) -> None:
        bare = named.model_copy(update={"llm_model_decrypt_key": None, "fallback_model": "large"})
        await register(sessions, bare, Vault(()))

        (provider,) = await listed(admin, "/providers")
        assert provider["api_key_state"] == "none"
        assert len(await listed(admin, "/models")) == 1
