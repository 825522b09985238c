from dataclasses import replace
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rest_service.app.config import Settings
from rest_service.tests.api_helpers import Client, JsonObject, Make, list_items


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
    assert await list_items(admin, "/models", provider_id=provider["id"]) == []
    assert await list_items(admin, "/models") == [changed] == [(await admin.get(path)).json()]
    assert (await admin.delete(path)).status_code == 204
    assert await list_items(admin, "/models") == []


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
        ({"parameters": {"previous_response_id": "x"}}, 400, "previous_response_id"),
        ({"parameters": {"store": True}}, 400, "store"),
        ({"parameters": {"prompt": {"id": "x"}}}, 400, "prompt"),
        ({"parameters": {"functions": [], "function_call": "x"}}, 400, "function_call, functions"),
        ({"parameters": {"tool_choice": "required"}}, 400, "tool_choice"),
        ({"capabilities": ["embeddings"], "is_user_selectable": True}, 400, "embeddings"),
        (
            {"capabilities": ["streaming", "embeddings"], "is_user_selectable": True},
            400,
            "embeddings",
        ),
        ({"input_price": -1}, 422, "input_price"),
        ({"output_price": "0.0000001"}, 422, "output_price"),
        ({"output_price": "NaN"}, 422, "output_price"),
        ({"is_user_selectable": "yes"}, 422, "is_user_selectable"),
    ],
)
async def test_invalid_body_is_refused(
    admin: Client, make: Make, body: JsonObject, status: int, reason: str
) -> None:
    provider = await make("providers")
    taken = await make("models", provider_id=provider["id"], provider_model_name="taken")
    model = await make("models", provider_id=provider["id"])
    example = {"provider_id": provider["id"], "provider_model_name": "x"} | body

    for refused in (
        await admin.post("/models", json=example),
        await admin.patch(f"/models/{model['id']}", json=body),
    ):
        assert refused.status_code == status, refused.text
        assert reason in refused.json()["detail"]
    assert await list_items(admin, "/models") == [taken, model]


async def test_prices_are_stored_to_a_millionth(admin: Client, make: Make) -> None:
    prices = {"input_price": "0.10", "cached_input_price": 0.000001, "output_price": "12"}
    provider = await make("providers")
    model = await make("models", provider_id=provider["id"], is_user_selectable=True, **prices)

    shown = {"input_price": "0.1", "cached_input_price": "0.000001", "output_price": "12"}
    assert model.items() >= (shown | {"is_user_selectable": True}).items()
    assert (await admin.get(f"/models/{model['id']}")).json() == model
    unknown = dict.fromkeys(prices)
    changed = await admin.patch(f"/models/{model['id']}", json=unknown)
    assert changed.json().items() >= unknown.items()


class TestInUse:
    @pytest_asyncio.fixture(loop_scope="session")
    async def llama(self, make: Make) -> JsonObject:
        provider = await make("providers")
        fields = {"provider_model_name": "llama", "is_user_selectable": True}
        return await make("models", provider_id=provider["id"], **fields)

    async def get_refusals(self, admin: Client, model: JsonObject) -> set[str]:
        """Return the errors of renaming and deleting the model."""
        path = f"/models/{model['id']}"
        answers = (
            await admin.delete(path),
            await admin.patch(path, json={"provider_model_name": "other"}),
        )
        assert [answer.status_code for answer in answers] == [409, 409]
        return {answer.json()["detail"] for answer in answers}

    async def test_model_used_by_assistants_cannot_be_renamed_or_deleted(
        self, admin: Client, make: Make, llama: JsonObject
    ) -> None:
        await make("assistants", name="Poet", model="llama")
        await make("assistants", name="Clerk", fallback_models=["llama"])
        await make("assistants", name="Cook", fallback_models=[])

        details = await self.get_refusals(admin, llama)

        assert details == {"llama is in use; assistants that use it: Clerk, Poet."}

    async def test_model_chosen_by_users_cannot_be_renamed_or_deleted(
        self, admin: Client, make: Make, llama: JsonObject
    ) -> None:
        user = await make("users", first_name="Alice")
        await admin.patch(f"/users/{user['id']}", json={"model": "llama"})

        details = await self.get_refusals(admin, llama)

        who = f"Alice {user['telegram_id']}"
        assert details == {f"llama is in use; users who have chosen it: {who}."}

    async def test_model_of_environment_cannot_be_renamed_or_deleted(
        self, admin: Client, make: Make, llama: JsonObject, settings: Settings
    ) -> None:
        model = await make(
            "models",
            provider_id=llama["provider_id"],
            provider_model_name=settings.default_model,
        )

        (detail,) = await self.get_refusals(admin, model)

        assert "DEFAULT_MODEL" in detail

    async def test_unused_model_can_be_deleted(self, admin: Client, llama: JsonObject) -> None:
        assert (await admin.delete(f"/models/{llama['id']}")).status_code == 204


class TestLastModel:
    """A change that would leave an active assistant without an active model is refused."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def chain(self, make: Make) -> list[JsonObject]:
        """Two models of two providers, and an assistant that uses both."""
        models = [
            await make(
                "models",
                provider_id=(await make("providers"))["id"],
                provider_model_name=name,
            )
            for name in ("large", "small")
        ]
        await make("assistants", name="Poet", model="large", fallback_models=["small"])
        return models

    async def test_last_active_model_cannot_be_deactivated(
        self, admin: Client, chain: list[JsonObject]
    ) -> None:
        large, small = (f"/models/{model['id']}" for model in chain)
        provider = f"/providers/{chain[1]['provider_id']}"
        off = {"is_active": False}

        assert (await admin.patch(large, json=off)).status_code == 200
        for refused in (await admin.patch(small, json=off), await admin.patch(provider, json=off)):
            assert refused.status_code == 409
            assert "No active model would be left for Poet" in refused.json()["detail"]
        assert (await admin.get(provider)).json()["is_active"] is True
        assert (await admin.patch(large, json={"is_active": True})).status_code == 200
        assert (await admin.patch(provider, json=off)).status_code == 200

    async def test_last_model_cannot_move_to_an_inactive_provider(
        self, admin: Client, make: Make, chain: list[JsonObject]
    ) -> None:
        closed = await make("providers", is_active=False)
        moved = {"provider_id": closed["id"]}

        first = await admin.patch(f"/models/{chain[0]['id']}", json=moved)
        second = await admin.patch(f"/models/{chain[1]['id']}", json=moved)

        assert (first.status_code, second.status_code) == (200, 409)

    async def test_default_model_of_active_assistants_cannot_be_deactivated(
        self, admin: Client, make: Make, settings: Settings
    ) -> None:
        provider = await make("providers")
        model = await make(
            "models", provider_id=provider["id"], provider_model_name=settings.default_model
        )
        poet = await make("assistants", name="Poet")
        path, off = f"/models/{model['id']}", {"is_active": False}

        refused = await admin.patch(path, json=off)
        await admin.patch(f"/assistants/{poet['id']}", json=off)
        retired = await admin.patch(path, json=off)

        assert (refused.status_code, "Poet" in refused.text) == (409, True)
        assert retired.status_code == 200

    async def test_last_model_cannot_become_embeddings_only(
        self, admin: Client, chain: list[JsonObject]
    ) -> None:
        large, small = (f"/models/{model['id']}" for model in chain)
        embeddings = {"capabilities": ["embeddings"]}

        first, second = [await admin.patch(path, json=embeddings) for path in (large, small)]

        assert (first.status_code, second.status_code) == (200, 409)
        assert "Poet (asks large, small)" in second.json()["detail"]
        again = {"capabilities": ["embeddings", "tools"]}
        assert (await admin.patch(small, json=again)).status_code == 200

    async def test_own_model_does_not_fall_back_to_default_model(
        self, admin: Client, make: Make, settings: Settings
    ) -> None:
        """Null means FALLBACK_MODEL, which is not set here."""
        own = {"provider_id": (await make("providers"))["id"]}
        await make("models", **own, provider_model_name=settings.default_model)
        large = await make("models", **own, provider_model_name="large")
        await make("assistants", name="Poet", model="large")

        refused = await admin.patch(f"/models/{large['id']}", json={"is_active": False})

        assert settings.fallback_model is None
        assert (refused.status_code, "Poet (asks large)" in refused.text) == (409, True)

    async def test_own_model_falls_back_to_fallback_model(
        self, admin: Client, make: Make, app: FastAPI, settings: Settings
    ) -> None:
        with_fallback = settings.model_copy(update={"fallback_model": "small"})
        app.state.resources = replace(app.state.resources, settings=with_fallback)
        own = {"provider_id": (await make("providers"))["id"]}
        large, small = [
            await make("models", **own, provider_model_name=name) for name in ("large", "small")
        ]
        await make("assistants", name="Poet", model="large")
        off = {"is_active": False}

        assert (await admin.patch(f"/models/{large['id']}", json=off)).status_code == 200
        assert (await admin.patch(f"/models/{small['id']}", json=off)).status_code == 409

    async def test_assistant_without_models_does_not_block_changes(
        self, admin: Client, make: Make
    ) -> None:
        await make("assistants")
        model = await make("models", provider_id=(await make("providers"))["id"])

        off = await admin.patch(f"/models/{model['id']}", json={"is_active": False})

        assert off.status_code == 200
