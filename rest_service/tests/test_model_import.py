"""Importing lists of models."""

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from rest_service.tests.model_import_helpers import (
    JSON_HEADERS,
    PRICE_TABLE,
    assert_import_refused,
    get_models_by_name,
    import_models,
)


async def test_name_list_is_imported_once(admin: Client, provider: JsonObject) -> None:
    models = {"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": "c"}]}

    first = await import_models(admin, provider, models=models)
    assert first["created"] == ["b", "a", "c"]
    again = await import_models(admin, provider, models=models)
    assert (again["created"], again["unchanged"]) == ([], ["b", "a", "c"])
    model = (await get_models_by_name(admin))["a"]
    assert model["provider_id"] == provider["id"]
    assert (model["capabilities"], model["input_price"]) == (["tools", "streaming"], None)


async def test_non_chat_model_names_are_skipped(admin: Client, provider: JsonObject) -> None:
    talking = ["gpt-6-luna", "ttsai-chat", "soraya-7b"]
    others = ["whisper-1", "gpt-4o-mini-tts", "dall-e-3", "omni-moderation-latest", "gpt-image-1"]
    names = [*talking, *others, "text-embedding-3-small"]
    found = await import_models(admin, provider, models={"data": [{"id": name} for name in names]})

    assert found["created"] == [*talking, "text-embedding-3-small"]
    assert [item["name"] for item in found["skipped"]] == others
    assert "is not a chat model" in found["skipped"][0]["reason"]
    assert (await get_models_by_name(admin))["text-embedding-3-small"]["capabilities"] == [
        "embeddings"
    ]


async def test_own_format_changes_only_given_fields(admin: Client, provider: JsonObject) -> None:
    own = {
        "provider_model_name": "mine",
        "api": "responses",
        "parameters": {"reasoning": {"effort": "low"}},
        "capabilities": ["tools"],
        "input_price": "1.25",
        "is_user_selectable": True,
    }
    assert (await import_models(admin, provider, models={"models": [own]}))["created"] == ["mine"]
    before = (await get_models_by_name(admin))["mine"]
    assert own.items() <= (before | {"input_price": "1.25"}).items()

    cheaper = {"provider_model_name": "mine", "input_price": 1}
    assert (await import_models(admin, provider, models={"models": [cheaper]}))["updated"] == [
        "mine"
    ]
    after = (await get_models_by_name(admin))["mine"]
    assert float(after["input_price"]) == 1
    changed = {"input_price", "updated_at"}
    assert {name for name in after if after[name] != before[name]} == changed


async def test_price_table_sets_prices_per_million_and_capabilities(
    admin: Client, provider: JsonObject
) -> None:
    found = await import_models(admin, provider, models=PRICE_TABLE)

    assert found["created"] == ["gpt-small", "gpt-old", "text-embedding"]
    assert found["skipped"] == []
    models = await get_models_by_name(admin)
    small = models["gpt-small"]
    prices = ("input_price", "cached_input_price", "output_price")
    assert [float(small[name]) for name in prices] == [0.25, 0.025, 2]
    assert set(small["capabilities"]) == {"tools", "vision", "streaming"}
    assert models["gpt-old"]["api"] == "responses"
    assert models["text-embedding"]["capabilities"] == ["embeddings"]


async def test_price_table_keeps_fields_it_does_not_mention(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make(
        "models",
        provider_id=provider["id"],
        provider_model_name="gpt-small",
        capabilities=["audio", "vision"],
        parameters={"reasoning_effort": "none"},
    )
    table = {"gpt-small": {"supports_vision": False, "supports_function_calling": True}}

    assert (await import_models(admin, provider, models=table))["updated"] == ["gpt-small"]
    model = (await get_models_by_name(admin))["gpt-small"]
    assert model["capabilities"] == ["audio", "tools"]
    assert model["parameters"] == {"reasoning_effort": "none"}


async def test_invalid_entries_are_skipped_with_reasons(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    other = await make("providers", name="Other")
    await make("models", provider_id=other["id"], provider_model_name="theirs")
    entries = [
        {"provider_model_name": "good"},
        {"provider_model_name": "theirs"},
        {"provider_model_name": "a b"},
        {"provider_model_name": "dear", "input_price": -1},
        {"provider_model_name": "odd", "parameters": {"api_key": "x"}},
        {"provider_model_name": "new", "colour": "red"},
        {"provider_model_name": "lost", "provider_id": other["id"]},
        {"provider_model_name": "good"},
        {"name": "nameless"},
        "text",
    ]
    found = await import_models(admin, provider, models={"models": entries})

    assert found["created"] == ["good"]
    reasons = {item["name"]: item["reason"] for item in found["skipped"]}
    assert reasons["theirs"] == "belongs to the provider Other"
    assert reasons["good"] == "is in the list twice"
    assert reasons["'a b'"].startswith("is not a valid model name:")
    assert reasons["dear"].startswith("input_price:")
    assert "parameters.api_key" in reasons["odd"]
    assert reasons["new"].startswith("colour:")
    assert "provider_id" in reasons["lost"]
    assert {"#9", "#10"} <= reasons.keys()
    assert set(await get_models_by_name(admin)) == {"good", "theirs"}


@pytest.mark.parametrize("form", ["data", "models", "prices"])
async def test_invalid_name_skips_only_its_model(
    admin: Client, provider: JsonObject, form: str
) -> None:
    names = ["a\0b", "a\ud800b", "x" * 300, "", " good "]
    lists: dict[str, JsonObject] = {
        "data": {"data": [{"id": name} for name in names]},
        "models": {"models": [{"provider_model_name": name} for name in names]},
        "prices": {name: {"input_cost_per_token": 1e-6} for name in names},
    }
    found = await import_models(admin, provider, models=lists[form])

    assert found["created"] == ["good"]
    skipped_names = [item["name"] for item in found["skipped"]]
    assert skipped_names[:2] == ["'a\\x00b'", "'a\\ud800b'"]
    assert len(skipped_names[2]) == 100
    assert skipped_names[3] == "''"
    assert (await import_models(admin, provider, models=lists[form]))["unchanged"] == ["good"]


@pytest.mark.parametrize("field", [{"\ud800": 1}, {"parameters": {"\ud800": 1}}])
async def test_invalid_text_in_an_entry_skips_only_its_model(
    admin: Client, provider: JsonObject, field: JsonObject
) -> None:
    models = [{"provider_model_name": "odd"} | field, {"provider_model_name": "good"}]
    found = await import_models(admin, provider, models={"models": models})

    assert found["created"] == ["good"]
    assert [item["name"] for item in found["skipped"]] == ["odd"]


async def test_refused_change_does_not_affect_other_entries(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    own = {"provider_id": provider["id"]}
    only = await make("models", **own, provider_model_name="only")
    spare = await make("models", **own, provider_model_name="spare")
    await make("assistants", name="Poet", model="only", fallback_models=[])
    await make("assistants", name="Clerk", model="only", fallback_models=["spare"])
    off = {"is_active": False, "input_price": "9"}
    entries = [
        {"provider_model_name": "only"} | off,
        {"provider_model_name": "spare"} | off,
        {"provider_model_name": "new"},
    ]
    found = await import_models(admin, provider, models={"models": entries})

    assert (found["created"], found["updated"]) == (["new"], ["spare"])
    (skipped,) = found["skipped"]
    assert skipped["name"] == "only"
    assert "No active model would be left for Poet (asks only)" in skipped["reason"]
    models = await get_models_by_name(admin)
    assert models["only"] == only
    assert models["spare"]["updated_at"] > spare["updated_at"]
    await import_models(admin, provider, models={"models": [entries[1] | {"is_active": True}]})
    again = await import_models(admin, provider, models={"models": entries[:2]})
    assert again["updated"] == ["spare"]


async def test_last_two_models_cannot_be_deactivated_together(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    own = {"provider_id": provider["id"]}
    for name in ("large", "small"):
        await make("models", **own, provider_model_name=name)
    await make("assistants", name="Poet", model="large", fallback_models=["small"])
    names = ("large", "small")
    models = [{"provider_model_name": name, "is_active": False} for name in names]
    found = await import_models(admin, provider, models={"models": models})

    assert (found["updated"], [item["name"] for item in found["skipped"]]) == (["large"], ["small"])


async def test_inactive_model_gets_its_price(
    admin: Client, make: Make, provider: JsonObject, sql: Sql
) -> None:
    own = {"provider_id": provider["id"]}
    await make("models", **own, provider_model_name="only")
    await make("assistants", name="Poet", model="only", fallback_models=[])
    await sql("UPDATE llm_models SET is_active = false")
    dear = {"provider_model_name": "only", "input_price": "9"}

    assert (await import_models(admin, provider, models={"models": [dear]}))["updated"] == ["only"]


async def test_statement_count_does_not_depend_on_list_length(
    admin: Client, make: Make, provider: JsonObject, engine: AsyncEngine
) -> None:
    """An import blocks other changes of the configuration."""
    counted: list[int] = []

    def count(*_: object) -> None:
        counted[-1] += 1

    await make("assistants")
    event.listen(engine.sync_engine, "before_cursor_execute", count)
    for length in (3, 60):
        for price in ("1", "2"):
            counted.append(0)
            models = [
                {"provider_model_name": f"m{length}-{number}", "input_price": price}
                for number in range(length)
            ]
            found = await import_models(admin, provider, models={"models": models})
            assert len(found["created" if price == "1" else "updated"]) == length
    event.remove(engine.sync_engine, "before_cursor_execute", count)

    assert counted[:2] == counted[2:]


async def test_audit_entry_names_imported_models(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make("models", provider_id=provider["id"], provider_model_name="known")
    models = [{"provider_model_name": name, "input_price": "1"} for name in ("known", "a", "b")]
    for _ in range(2):
        await import_models(admin, provider, models={"models": models})

    (entry,) = await list_items(admin, "/audit", action="import_models")
    assert entry["after"] == {
        "provider_id": provider["id"],
        "created": ["a", "b"],
        "updated": ["known"],
    }
    assert (entry["object_type"], entry["object_id"]) == ("models", None)


async def test_unusable_modes_of_price_table_are_skipped(
    admin: Client, provider: JsonObject
) -> None:
    table: JsonObject = {
        mode: {"mode": mode}
        for mode in ("chat", "responses", "embedding", "image_generation", "rerank", "completion")
    } | {"unsaid": {"input_cost_per_token": 1e-6}, "odd": {"mode": ["chat"]}}
    found = await import_models(admin, provider, models=table)

    assert found["created"] == ["chat", "responses", "embedding", "unsaid"]
    reasons = {item["name"]: item["reason"] for item in found["skipped"]}
    assert reasons.keys() == {"image_generation", "rerank", "completion", "odd"}
    assert "'rerank'" in reasons["rerank"]


async def test_file_limit_is_8_megabytes(admin: Client, provider: JsonObject) -> None:
    """LiteLLM's table has 1.7 MB."""
    table = {f"m{n}": {"mode": "chat", "note": "x" * 1000} for n in range(2000)}

    assert (await import_models(admin, provider, models=table, only=["m7"]))["created"] == ["m7"]
    body = b" " * (8 * 1024 * 1024 + 1)
    refused = await admin.post("/models/import", content=body, headers=JSON_HEADERS)
    assert (refused.status_code, "8388608" in refused.text) == (413, True)


async def test_dry_run_reports_the_same_and_changes_nothing(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make("models", provider_id=provider["id"], provider_model_name="gpt-old")
    before = (await get_models_by_name(admin), len(await list_items(admin, "/audit")))
    rehearsed = await import_models(admin, provider, models=PRICE_TABLE, dry_run=True)

    assert (await get_models_by_name(admin), len(await list_items(admin, "/audit"))) == before
    assert rehearsed["created"] == ["gpt-small", "text-embedding"]
    assert rehearsed == await import_models(admin, provider, models=PRICE_TABLE)


async def test_only_named_models_are_imported_and_missing_reported(
    admin: Client, provider: JsonObject
) -> None:
    found = await import_models(admin, provider, models=PRICE_TABLE, only=["gpt-old", "gpt-none"])

    assert found["created"] == ["gpt-old"]
    assert found["skipped"] == [{"name": "gpt-none", "reason": "is not in the list"}]


async def test_more_than_1000_models_are_refused_without_only(
    admin: Client, provider: JsonObject
) -> None:
    models = {"data": [{"id": f"m{number}"} for number in range(1001)]}

    assert "more than 1000" in await assert_import_refused(admin, provider, models=models)
    assert await get_models_by_name(admin) == {}
    assert (await import_models(admin, provider, models=models, only=["m7"]))["created"] == ["m7"]


@pytest.mark.parametrize(
    ("models", "reason"),
    [({}, "Known forms"), ({"a": 1}, "Known forms"), ({"data": {}, "b": 2}, "Known forms")],
)
async def test_unknown_list_format_is_refused(
    admin: Client, provider: JsonObject, models: JsonObject, reason: str
) -> None:
    assert reason in await assert_import_refused(admin, provider, models=models)


async def test_invalid_price_skips_only_its_model(admin: Client, provider: JsonObject) -> None:
    odd = ("dear", "1e999999999", "Infinity", "NaN", [1], {})
    table = {str(price): {"input_cost_per_token": price} for price in odd}
    found = await import_models(admin, provider, models=table | {"fine": {"mode": "chat"}})

    assert found["created"] == ["fine"]
    reasons = {item["name"]: item["reason"] for item in found["skipped"]}
    assert reasons == dict.fromkeys(map(str, odd), "has a price that is not a number")


async def test_an_unknown_provider_is_not_found(admin: Client, person: JsonObject) -> None:
    for source in ({"models": PRICE_TABLE}, {}):
        answer: httpx2.Response = await admin.post(
            "/models/import", json={"provider_id": person["id"]} | source
        )
        assert answer.status_code == 404
