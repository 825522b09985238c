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


async def test_a_list_of_names_is_taken_and_the_second_time_nothing_is_new(
    admin: Client, provider: JsonObject
) -> None:
    models = {"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": "c"}]}

    first = await import_models(admin, provider, models=models)
    assert first["created"] == ["b", "a", "c"]
    again = await import_models(admin, provider, models=models)
    assert (again["created"], again["unchanged"]) == ([], ["b", "a", "c"])
    one = (await get_models_by_name(admin))["a"]
    assert one["provider_id"] == provider["id"]
    assert (one["capabilities"], one["input_price"]) == (["tools", "streaming"], None)


async def test_what_by_its_name_does_not_talk_is_left_out_of_a_list_of_names(
    admin: Client, provider: JsonObject
) -> None:
    talking = ["gpt-6-luna", "ttsai-chat", "soraya-7b"]
    others = ["whisper-1", "gpt-4o-mini-tts", "dall-e-3", "omni-moderation-latest", "gpt-image-1"]
    names = [*talking, *others, "text-embedding-3-small"]
    found = await import_models(admin, provider, models={"data": [{"id": name} for name in names]})

    assert found["created"] == [*talking, "text-embedding-3-small"]
    assert [one["name"] for one in found["skipped"]] == others
    assert "is not a chat model" in found["skipped"][0]["reason"]
    assert (await get_models_by_name(admin))["text-embedding-3-small"]["capabilities"] == [
        "embeddings"
    ]


async def test_our_own_form_says_all_and_changes_only_what_it_says(
    admin: Client, provider: JsonObject
) -> None:
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


async def test_prices_per_token_become_prices_per_million_and_flags_become_capabilities(
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


async def test_a_list_of_prices_takes_away_nothing_that_it_does_not_speak_of(
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
    one = (await get_models_by_name(admin))["gpt-small"]
    assert one["capabilities"] == ["audio", "tools"]
    assert one["parameters"] == {"reasoning_effort": "none"}


async def test_what_cannot_be_taken_is_named_with_its_reason_and_the_rest_is_taken(
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
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
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
async def test_a_name_that_cannot_be_kept_costs_one_model_only(
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
    said = [one["name"] for one in found["skipped"]]
    assert said[:2] == ["'a\\x00b'", "'a\\ud800b'"]
    assert len(said[2]) == 100
    assert said[3] == "''"
    assert (await import_models(admin, provider, models=lists[form]))["unchanged"] == ["good"]


@pytest.mark.parametrize("field", [{"\ud800": 1}, {"parameters": {"\ud800": 1}}])
async def test_what_is_no_text_within_one_costs_one_model_only(
    admin: Client, provider: JsonObject, field: JsonObject
) -> None:
    models = [{"provider_model_name": "odd"} | field, {"provider_model_name": "good"}]
    found = await import_models(admin, provider, models={"models": models})

    assert found["created"] == ["good"]
    assert [one["name"] for one in found["skipped"]] == ["odd"]


async def test_a_change_that_is_refused_leaves_no_trace_and_keeps_nothing_else(
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


async def test_the_last_two_models_do_not_go_together(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    own = {"provider_id": provider["id"]}
    for name in ("large", "small"):
        await make("models", **own, provider_model_name=name)
    await make("assistants", name="Poet", model="large", fallback_models=["small"])
    names = ("large", "small")
    models = [{"provider_model_name": name, "is_active": False} for name in names]
    found = await import_models(admin, provider, models={"models": models})

    assert (found["updated"], [one["name"] for one in found["skipped"]]) == (["large"], ["small"])


async def test_a_model_that_is_off_anyway_gets_its_price(
    admin: Client, make: Make, provider: JsonObject, sql: Sql
) -> None:
    own = {"provider_id": provider["id"]}
    await make("models", **own, provider_model_name="only")
    await make("assistants", name="Poet", model="only", fallback_models=[])
    await sql("UPDATE llm_models SET is_active = false")
    dear = {"provider_model_name": "only", "input_price": "9"}

    assert (await import_models(admin, provider, models={"models": [dear]}))["updated"] == ["only"]


async def test_a_long_list_asks_postgres_no_more_often_than_a_short_one(
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


async def test_the_audit_log_names_what_an_import_has_written(
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


async def test_of_litellms_table_only_those_are_taken_that_an_assistant_can_use(
    admin: Client, provider: JsonObject
) -> None:
    table: JsonObject = {
        mode: {"mode": mode}
        for mode in ("chat", "responses", "embedding", "image_generation", "rerank", "completion")
    } | {"unsaid": {"input_cost_per_token": 1e-6}, "odd": {"mode": ["chat"]}}
    found = await import_models(admin, provider, models=table)

    assert found["created"] == ["chat", "responses", "embedding", "unsaid"]
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
    assert reasons.keys() == {"image_generation", "rerank", "completion", "odd"}
    assert "'rerank'" in reasons["rerank"]


async def test_a_file_of_more_than_a_megabyte_is_taken_and_one_of_8_is_not(
    admin: Client, provider: JsonObject
) -> None:
    """LiteLLM's table has 1.7 MB."""
    table = {f"m{n}": {"mode": "chat", "note": "x" * 1000} for n in range(2000)}

    assert (await import_models(admin, provider, models=table, only=["m7"]))["created"] == ["m7"]
    body = b" " * (8 * 1024 * 1024 + 1)
    refused = await admin.post("/models/import", content=body, headers=JSON_HEADERS)
    assert (refused.status_code, "8388608" in refused.text) == (413, True)


async def test_a_rehearsal_says_the_same_and_does_nothing(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make("models", provider_id=provider["id"], provider_model_name="gpt-old")
    before = (await get_models_by_name(admin), len(await list_items(admin, "/audit")))
    rehearsed = await import_models(admin, provider, models=PRICE_TABLE, dry_run=True)

    assert (await get_models_by_name(admin), len(await list_items(admin, "/audit"))) == before
    assert rehearsed["created"] == ["gpt-small", "text-embedding"]
    assert rehearsed == await import_models(admin, provider, models=PRICE_TABLE)


async def test_only_those_that_are_named_are_taken_and_a_missing_one_is_said(
    admin: Client, provider: JsonObject
) -> None:
    found = await import_models(admin, provider, models=PRICE_TABLE, only=["gpt-old", "gpt-none"])

    assert found["created"] == ["gpt-old"]
    assert found["skipped"] == [{"name": "gpt-none", "reason": "is not in the list"}]


async def test_more_than_1000_are_refused_unless_fewer_are_wanted(
    admin: Client, provider: JsonObject
) -> None:
    models = {"data": [{"id": f"m{number}"} for number in range(1001)]}

    assert "more than 1000" in await assert_import_refused(admin, provider, models=models)
    assert await get_models_by_name(admin) == {}
    assert (await import_models(admin, provider, models=models, only=["m7"]))["created"] == ["m7"]


@pytest.mark.parametrize(
    ("models", "said"),
    [({}, "Known forms"), ({"a": 1}, "Known forms"), ({"data": {}, "b": 2}, "Known forms")],
)
async def test_a_list_of_no_known_form_is_refused(
    admin: Client, provider: JsonObject, models: JsonObject, said: str
) -> None:
    assert said in await assert_import_refused(admin, provider, models=models)


async def test_a_price_that_is_no_number_costs_one_model_only(
    admin: Client, provider: JsonObject
) -> None:
    odd = ("dear", "1e999999999", "Infinity", "NaN", [1], {})
    table = {str(price): {"input_cost_per_token": price} for price in odd}
    found = await import_models(admin, provider, models=table | {"fine": {"mode": "chat"}})

    assert found["created"] == ["fine"]
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
    assert reasons == dict.fromkeys(map(str, odd), "has a price that is not a number")


async def test_an_unknown_provider_is_not_found(admin: Client, person: JsonObject) -> None:
    for source in ({"models": PRICE_TABLE}, {}):
        answer: httpx2.Response = await admin.post(
            "/models/import", json={"provider_id": person["id"]} | source
        )
        assert answer.status_code == 404
