import asyncio

import pytest
import pytest_asyncio

from rest_service.app.config import Settings
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items

UNKNOWN = "11111111-1111-1111-1111-111111111111"


async def test_an_assistant_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    await make("models", provider_id=(await make("providers"))["id"], provider_model_name="large")
    body = {"name": " Poet ", "instructions": "Rhyme.", "model": "large"}
    added = (await admin.post("/assistants", json=body)).json()
    path = f"/assistants/{added['id']}"

    assert added["name"] == "Poet"
    assert (added["is_active"], added["assistant_type"]) == (True, "llm")
    assert (await admin.get(path)).json() == added
    changed = (await admin.patch(path, json={"model": None, "is_active": False})).json()
    assert changed == added | {
        "model": None,
        "is_active": False,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > added["updated_at"]
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_model_chain_and_limits_are_stored(admin: Client, make: Make) -> None:
    provider = await make("providers")
    for name in ("large", "small"):
        await make("models", provider_id=provider["id"], provider_model_name=name)
    limits = {
        "model": "large",
        "fallback_models": ["small"],
        "temperature": 0.5,
        "max_output_tokens": 500,
        "max_tool_calls": 0,
        "max_context_messages": 10,
        "max_context_length": 5000,
    }
    poet = await make("assistants", **limits)
    path = f"/assistants/{poet['id']}"

    assert poet.items() >= limits.items()
    none = dict.fromkeys(limits)
    assert (await admin.patch(path, json=none)).json().items() >= none.items()
    alone = (await admin.patch(path, json={"model": "small", "fallback_models": []})).json()
    assert (alone["model"], alone["fallback_models"]) == ("small", [])


class TestModels:
    @pytest.mark.parametrize(
        ("chain", "reason"),
        [
            ({"model": "tiny"}, "There is no model 'tiny'. Add it with POST /api/models."),
            ({"fallback_models": ["small", "tiny"]}, "no model 'tiny'"),
            ({"fallback_models": ["small", "small"]}, "'small' twice"),
            ({"model": "small", "fallback_models": ["small"]}, "'small' twice"),
        ],
    )
    async def test_invalid_model_chain_is_refused(
        self, admin: Client, make: Make, chain: JsonObject, reason: str
    ) -> None:
        provider = await make("providers")
        await make("models", provider_id=provider["id"], provider_model_name="small")
        poet = await make("assistants")
        body = {"name": "x", "instructions": ""}

        for refused in (
            await admin.post("/assistants", json=body | chain),
            await admin.patch(f"/assistants/{poet['id']}", json=chain),
        ):
            assert refused.status_code == 400, refused.text
            assert reason in refused.json()["detail"]
        assert await list_items(admin, "/assistants") == [poet]

    @pytest_asyncio.fixture(loop_scope="session")
    async def unusable_models(self, make: Make, settings: Settings) -> list[JsonObject]:
        """Models that cannot be used: DEFAULT_MODEL and another inactive one, one of an inactive
        provider, and one for embeddings."""
        own = {"provider_id": (await make("providers"))["id"]}
        closed = {"provider_id": (await make("providers", is_active=False))["id"]}
        off = {"is_active": False}
        return [
            await make("models", **own, provider_model_name=settings.default_model, **off),
            await make("models", **own, provider_model_name="retired", **off),
            await make("models", **closed, provider_model_name="homeless"),
            await make("models", **own, provider_model_name="vectors", capabilities=["embeddings"]),
            await make("models", **own, provider_model_name="small"),
        ]

    @pytest.mark.parametrize(
        ("chain", "asked"),
        [
            ({"model": "retired", "fallback_models": []}, "retired"),
            ({"model": "retired", "fallback_models": None}, "retired"),
            ({"model": "homeless", "fallback_models": ["retired"]}, "homeless, retired"),
            ({"model": "vectors"}, "vectors"),
            ({"model": None}, "gpt-6-luna"),
        ],
    )
    async def test_an_active_assistant_without_an_active_model_is_refused(
        self,
        admin: Client,
        make: Make,
        unusable_models: list[JsonObject],
        chain: JsonObject,
        asked: str,
    ) -> None:
        """Whether by creation, change or activation."""
        own = {"model": "small", "fallback_models": []}
        poet = await make("assistants", name="Poet", is_secretary=True, **own)
        off = await make("assistants", name="Off", is_active=False, **own | chain)
        path = "/assistants"
        body = {"name": "New", "instructions": "", "is_secretary": True} | chain

        for name, refused in (
            ("New", await admin.post(path, json=body)),
            ("Poet", await admin.patch(f"{path}/{poet['id']}", json=chain)),
            ("Off", await admin.patch(f"{path}/{off['id']}", json={"is_active": True})),
        ):
            assert refused.status_code == 409, (name, refused.text)
            chain_of = f"{name} (asks "
            assert chain_of in refused.json()["detail"]
            assert f"{asked})" in refused.json()["detail"]
        assert await list_items(admin, path) == [poet, off]

    async def test_restore_without_an_active_model_is_refused(
        self, admin: Client, make: Make, unusable_models: list[JsonObject]
    ) -> None:
        poet = await make("assistants", name="Poet", model="small")
        gone = await make("assistants", name="Gone", model="small")
        await admin.delete(f"/assistants/{gone['id']}")
        await make(
            "models", provider_id=unusable_models[-1]["provider_id"], provider_model_name="large"
        )
        await admin.patch(f"/assistants/{poet['id']}", json={"model": "large"})
        await admin.patch(f"/models/{unusable_models[-1]['id']}", json={"is_active": False})

        for assistant in (poet, gone):
            refused = await admin.post(f"/assistants/{assistant['id']}/versions/1/restore")
            assert refused.status_code == 409, refused.text
            assert f"{assistant['name']} (asks small)" in refused.json()["detail"]

    async def test_assistant_without_active_model_can_still_be_changed(
        self, admin: Client, make: Make, unusable_models: list[JsonObject], sql: Sql
    ) -> None:
        poet = await make("assistants", model="small")
        await sql("UPDATE llm_models SET is_active = false")

        changed = await admin.patch(f"/assistants/{poet['id']}", json={"name": "Bard"})

        assert changed.status_code == 200

    async def test_unrelated_change_does_not_check_models(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        poet = await make("assistants")
        await sql("UPDATE assistants SET model = 'of an older version'")

        changed = await admin.patch(f"/assistants/{poet['id']}", json={"instructions": "Rhyme."})

        assert changed.status_code == 200


async def test_put_changes_only_the_given_fields_like_patch(admin: Client, make: Make) -> None:
    poet = await make("assistants", instructions="Rhyme.")

    changed = (await admin.put(f"/assistants/{poet['id']}", json={"name": "Bard"})).json()

    assert (changed["name"], changed["instructions"]) == ("Bard", "Rhyme.")


async def test_names_are_unique(admin: Client, make: Make) -> None:
    poet, clerk = await make("assistants"), await make("assistants")

    again = await admin.post("/assistants", json={"name": poet["name"], "instructions": ""})
    renamed = await admin.patch(f"/assistants/{clerk['id']}", json={"name": poet["name"]})

    assert again.status_code == renamed.status_code == 409
    assert poet["name"] in again.json()["detail"]
    response = await admin.patch(f"/assistants/{poet['id']}", json={"name": poet["name"]})
    assert response.status_code == 200


@pytest.mark.parametrize("field", ["name", "instructions", "is_active", "assistant_type"])
async def test_null_is_refused_for_required_fields(admin: Client, make: Make, field: str) -> None:
    poet = await make("assistants")

    answer = await admin.patch(f"/assistants/{poet['id']}", json={field: None})

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "detail": f"{field} cannot be null."}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_assistant_is_not_found(admin: Client, method: str) -> None:
    answer = await admin.request(method, f"/assistants/{UNKNOWN}", json={})

    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is no assistant {UNKNOWN}."


async def test_list_is_paged_oldest_first(admin: Client, make: Make) -> None:
    names = [(await make("assistants"))["name"] for _ in range(5)]

    page = (await admin.get("/assistants")).json()
    part = (await admin.get("/assistants", params={"limit": 2, "offset": 3})).json()
    beyond = (await admin.get("/assistants", params={"offset": 9})).json()

    assert [item["name"] for item in page["items"]] == names
    assert (page["total"], page["limit"], page["offset"]) == (5, 50, 0)
    assert [item["name"] for item in part["items"]] == names[3:]
    assert (part["total"], part["limit"], part["offset"]) == (5, 2, 3)
    assert (beyond["items"], beyond["total"]) == ([], 5)


class TestDelete:
    async def test_default_secretary_cannot_be_deleted(self, admin: Client, make: Make) -> None:
        eldest = await make("assistants", is_secretary=True)
        younger = await make("assistants", is_secretary=True)

        assert (await admin.delete(f"/assistants/{eldest['id']}")).status_code == 409
        assert (await admin.delete(f"/assistants/{younger['id']}")).status_code == 204

    async def test_assistant_chosen_by_users_cannot_be_deleted(
        self, admin: Client, make: Make
    ) -> None:
        await make("assistants", is_secretary=True)
        poet = await make("assistants", is_secretary=True)
        user = await make("users", first_name="Alice")
        nameless = await make("users", first_name="")
        for person in (user, nameless):
            await admin.patch(f"/users/{person['id']}", json={"assistant_id": poet["id"]})

        refused = await admin.delete(f"/assistants/{poet['id']}")

        assert refused.status_code == 409
        named = f"{nameless['telegram_id']}, Alice {user['telegram_id']}"
        assert f"users who have chosen it: {named}." in refused.json()["detail"]

    async def test_assistant_asked_by_a_tool_cannot_be_deleted(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants")
        await make("tools", name="ask_poet", tool_type="sub_assistant", assistant_id=poet["id"])

        refused = await admin.delete(f"/assistants/{poet['id']}")

        assert refused.status_code == 409
        assert "tools that ask it: ask_poet." in refused.json()["detail"]

    async def test_assistant_asked_by_a_link_cannot_be_deleted(
        self, admin: Client, make: Make
    ) -> None:
        poet, clerk = await make("assistants"), await make("assistants", name="Clerk")
        tool = await make("tools", name="ask", tool_type="sub_assistant")
        body = {"assistant_id": clerk["id"], "tool_id": tool["id"], "sub_assistant_id": poet["id"]}
        await admin.post("/assistant-tools", json=body)

        refused = await admin.delete(f"/assistants/{poet['id']}")

        assert refused.status_code == 409
        assert "assistants that ask it: Clerk." in refused.json()["detail"]

    async def test_refusal_names_at_most_five_related_records(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants")
        for number in range(7):
            tool = await make("tools", name=f"tool_{number}")
            await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")

        refused = await admin.delete(f"/assistants/{poet['id']}")

        named = refused.json()["detail"].partition("its tools: ")[2]
        assert (named.count("tool_"), named[-3:]) == (5, " ….")

    async def test_assistant_with_active_tool_cannot_be_deleted(
        self, admin: Client, make: Make
    ) -> None:
        poet, tool = await make("assistants"), await make("tools")
        link = (await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")).json()

        assert (await admin.delete(f"/assistants/{poet['id']}")).status_code == 409
        await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
        assert (await admin.delete(f"/assistants/{poet['id']}")).status_code == 204
        assert await list_items(admin, "/assistant-tools") == []

    async def test_threads_do_not_prevent_deletion(self, admin: Client, make: Make) -> None:
        poet, user = await make("assistants"), await make("users")
        await make("threads", user_id=user["id"], assistant_id=poet["id"])

        assert (await admin.delete(f"/assistants/{poet['id']}")).status_code == 204
        assert len(await list_items(admin, "/threads")) == 1


class TestLastSecretary:
    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_secretary": False}])
    async def test_last_secretary_cannot_be_deactivated(
        self, admin: Client, make: Make, change: dict[str, bool]
    ) -> None:
        only = await make("assistants", is_secretary=True)
        await make("assistants", is_secretary=True, is_active=False)

        refused = await admin.patch(f"/assistants/{only['id']}", json=change)

        assert refused.status_code == 409
        assert "last active secretary" in refused.json()["detail"]

    async def test_concurrent_deactivations_leave_one_secretary(
        self, admin: Client, make: Make
    ) -> None:
        for _ in range(4):
            two = [await make("assistants", is_secretary=True) for _ in range(2)]
            active = [item for item in await list_items(admin, "/assistants") if item["is_active"]]
            for item in active[:-2]:
                await admin.patch(f"/assistants/{item['id']}", json={"is_active": False})

            answers = await asyncio.gather(
                *(admin.patch(f"/assistants/{o['id']}", json={"is_active": False}) for o in two)
            )

            assert sorted(answer.status_code for answer in answers) == [200, 409]

    async def test_secretary_can_be_deactivated_if_another_remains(
        self, admin: Client, make: Make
    ) -> None:
        eldest = await make("assistants", is_secretary=True)
        await make("assistants", is_secretary=True)

        retired = await admin.patch(f"/assistants/{eldest['id']}", json={"is_active": False})

        assert retired.status_code == 200
        assert (await admin.delete(f"/assistants/{eldest['id']}")).status_code == 204
