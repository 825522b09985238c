"""Taking over lists of models."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, listed
from rest_service.tests.provider_server import NAMES, ProviderServer, answer_with, provider_server
from smart_kit.guarded_http import GuardedHttp

JSON = {"Content-Type": "application/json"}
PRICES = {
    "sample_spec": {"input_cost_per_token": "the price"},
    "gpt-small": {
        "input_cost_per_token": 2.5e-07,
        "cache_read_input_token_cost": 2.5e-08,
        "output_cost_per_token": 2e-06,
        "supports_function_calling": True,
        "supports_vision": True,
        "mode": "chat",
    },
    "gpt-old": {"input_cost_per_token": 1e-06, "mode": "responses"},
    "text-embedding": {"input_cost_per_token": 2e-08, "mode": "embedding"},
}


@pytest.fixture
async def server() -> AsyncIterator[ProviderServer]:
    async with provider_server() as running:
        yield running


@pytest.fixture
async def provider(make: Make) -> JsonObject:
    return await make("providers")


async def taken(admin: Client, provider: JsonObject, **body: object) -> JsonObject:
    text = json.dumps({"provider_id": provider["id"]} | body)
    answer = await admin.post("/models/import", content=text, headers=JSON)
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


async def refused(admin: Client, provider: JsonObject, **body: object) -> str:
    answer = await admin.post("/models/import", json={"provider_id": provider["id"]} | body)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["detail"])


async def kept(admin: Client) -> dict[str, JsonObject]:
    return {one["provider_model_name"]: one for one in await listed(admin, "/models")}


async def test_a_list_of_names_is_taken_and_the_second_time_nothing_is_new(
    admin: Client, provider: JsonObject
) -> None:
    models = {"object": "list", "data": [{"id": "b"}, {"id": "a"}, {"id": "c"}]}

    first = await taken(admin, provider, models=models)
    assert first["created"] == ["b", "a", "c"]
    again = await taken(admin, provider, models=models)
    assert (again["created"], again["unchanged"]) == ([], ["b", "a", "c"])
    one = (await kept(admin))["a"]
    assert one["provider_id"] == provider["id"]
    assert (one["capabilities"], one["input_price"]) == (["tools", "streaming"], None)


async def test_what_by_its_name_does_not_talk_is_left_out_of_a_list_of_names(
    admin: Client, provider: JsonObject
) -> None:
    talking = ["gpt-6-luna", "ttsai-chat", "soraya-7b"]
    others = ["whisper-1", "gpt-4o-mini-tts", "dall-e-3", "omni-moderation-latest", "gpt-image-1"]
    names = [*talking, *others, "text-embedding-3-small"]
    found = await taken(admin, provider, models={"data": [{"id": name} for name in names]})

    assert found["created"] == [*talking, "text-embedding-3-small"]
    assert [one["name"] for one in found["skipped"]] == others
    assert "does not talk" in found["skipped"][0]["reason"]
    assert (await kept(admin))["text-embedding-3-small"]["capabilities"] == ["embeddings"]


async def test_our_own_form_says_all_and_changes_only_what_it_says(
    admin: Client, provider: JsonObject
) -> None:
    own = {
        "provider_model_name": "mine",
        "api": "responses",
        "parameters": {"reasoning": {"effort": "low"}},
        "capabilities": ["tools"],
        "input_price": "1.25",
        "is_choosable": True,
    }
    assert (await taken(admin, provider, models={"models": [own]}))["created"] == ["mine"]
    before = (await kept(admin))["mine"]
    assert own.items() <= (before | {"input_price": "1.25"}).items()

    cheaper = {"provider_model_name": "mine", "input_price": 1}
    assert (await taken(admin, provider, models={"models": [cheaper]}))["updated"] == ["mine"]
    after = (await kept(admin))["mine"]
    assert float(after["input_price"]) == 1
    changed = {"input_price", "updated_at"}
    assert {name for name in after if after[name] != before[name]} == changed


async def test_prices_per_token_become_prices_per_million_and_flags_become_capabilities(
    admin: Client, provider: JsonObject
) -> None:
    found = await taken(admin, provider, models=PRICES)

    assert found["created"] == ["gpt-small", "gpt-old", "text-embedding"]
    assert found["skipped"] == []
    models = await kept(admin)
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

    assert (await taken(admin, provider, models=table))["updated"] == ["gpt-small"]
    one = (await kept(admin))["gpt-small"]
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
    found = await taken(admin, provider, models={"models": entries})

    assert found["created"] == ["good"]
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
    assert reasons["theirs"] == "is a model of Other"
    assert reasons["good"] == "is in the list twice"
    assert reasons["'a b'"].startswith("is no name of a model:")
    assert reasons["dear"].startswith("input_price:")
    assert "parameters.api_key" in reasons["odd"]
    assert reasons["new"].startswith("colour:")
    assert "provider_id" in reasons["lost"]
    assert {"#9", "#10"} <= reasons.keys()
    assert set(await kept(admin)) == {"good", "theirs"}


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
    found = await taken(admin, provider, models=lists[form])

    assert found["created"] == ["good"]
    said = [one["name"] for one in found["skipped"]]
    assert said[:2] == ["'a\\x00b'", "'a\\ud800b'"]
    assert len(said[2]) == 100
    assert said[3] == "''"
    assert (await taken(admin, provider, models=lists[form]))["unchanged"] == ["good"]


@pytest.mark.parametrize("field", [{"\ud800": 1}, {"parameters": {"\ud800": 1}}])
async def test_what_is_no_text_within_one_costs_one_model_only(
    admin: Client, provider: JsonObject, field: JsonObject
) -> None:
    models = [{"provider_model_name": "odd"} | field, {"provider_model_name": "good"}]
    found = await taken(admin, provider, models={"models": models})

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
    found = await taken(admin, provider, models={"models": entries})

    assert (found["created"], found["updated"]) == (["new"], ["spare"])
    (skipped,) = found["skipped"]
    assert skipped["name"] == "only"
    assert "No active model would be left to Poet (asks only)" in skipped["reason"]
    models = await kept(admin)
    assert models["only"] == only
    assert models["spare"]["updated_at"] > spare["updated_at"]
    await taken(admin, provider, models={"models": [entries[1] | {"is_active": True}]})
    again = await taken(admin, provider, models={"models": entries[:2]})
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
    found = await taken(admin, provider, models={"models": models})

    assert (found["updated"], [one["name"] for one in found["skipped"]]) == (["large"], ["small"])


async def test_a_model_that_is_off_anyway_gets_its_price(
    admin: Client, make: Make, provider: JsonObject, sql: Sql
) -> None:
    own = {"provider_id": provider["id"]}
    await make("models", **own, provider_model_name="only")
    await make("assistants", name="Poet", model="only", fallback_models=[])
    await sql("UPDATE llm_models SET is_active = false")
    dear = {"provider_model_name": "only", "input_price": "9"}

    assert (await taken(admin, provider, models={"models": [dear]}))["updated"] == ["only"]


async def test_a_long_list_asks_postgres_no_more_often_than_a_short_one(
    admin: Client, make: Make, provider: JsonObject, engine: AsyncEngine
) -> None:
    """It holds up everybody who would change the configuration meanwhile."""
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
            found = await taken(admin, provider, models={"models": models})
            assert len(found["created" if price == "1" else "updated"]) == length
    event.remove(engine.sync_engine, "before_cursor_execute", count)

    assert counted[:2] == counted[2:]


async def test_the_audit_log_names_what_an_import_has_written(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make("models", provider_id=provider["id"], provider_model_name="known")
    models = [{"provider_model_name": name, "input_price": "1"} for name in ("known", "a", "b")]
    for _ in range(2):
        await taken(admin, provider, models={"models": models})

    (entry,) = await listed(admin, "/audit", action="import_models")
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
    found = await taken(admin, provider, models=table)

    assert found["created"] == ["chat", "responses", "embedding", "unsaid"]
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
    assert reasons.keys() == {"image_generation", "rerank", "completion", "odd"}
    assert "'rerank'" in reasons["rerank"]


async def test_a_file_of_more_than_a_megabyte_is_taken_and_one_of_8_is_not(
    admin: Client, provider: JsonObject
) -> None:
    """LiteLLM's table has 1.7 MB."""
    table = {f"m{n}": {"mode": "chat", "note": "x" * 1000} for n in range(2000)}

    assert (await taken(admin, provider, models=table, only=["m7"]))["created"] == ["m7"]
    body = b" " * (8 * 1024 * 1024 + 1)
    refused = await admin.post("/models/import", content=body, headers=JSON)
    assert (refused.status_code, "8388608" in refused.text) == (413, True)


async def test_a_rehearsal_says_the_same_and_does_nothing(
    admin: Client, make: Make, provider: JsonObject
) -> None:
    await make("models", provider_id=provider["id"], provider_model_name="gpt-old")
    before = (await kept(admin), len(await listed(admin, "/audit")))
    rehearsed = await taken(admin, provider, models=PRICES, is_rehearsal=True)

    assert (await kept(admin), len(await listed(admin, "/audit"))) == before
    assert rehearsed["created"] == ["gpt-small", "text-embedding"]
    assert rehearsed == await taken(admin, provider, models=PRICES)


async def test_only_those_that_are_named_are_taken_and_a_missing_one_is_said(
    admin: Client, provider: JsonObject
) -> None:
    found = await taken(admin, provider, models=PRICES, only=["gpt-old", "gpt-none"])

    assert found["created"] == ["gpt-old"]
    assert found["skipped"] == [{"name": "gpt-none", "reason": "is not in the list"}]


async def test_more_than_1000_are_refused_unless_fewer_are_wanted(
    admin: Client, provider: JsonObject
) -> None:
    models = {"data": [{"id": f"m{number}"} for number in range(1001)]}

    assert "more than 1000" in await refused(admin, provider, models=models)
    assert await kept(admin) == {}
    assert (await taken(admin, provider, models=models, only=["m7"]))["created"] == ["m7"]


async def test_without_a_list_the_provider_is_asked_for_its_own_with_its_key(
    admin: Client, make: Make, server: ProviderServer
) -> None:
    provider = await make("providers", base_url=f"{server.url}/v1", api_key="sk-own-of-theirs")

    assert (await taken(admin, provider))["created"] == list(NAMES)
    assert server.keys == ["Bearer sk-own-of-theirs"]
    server.answers["*"] = answer_with(401, {})
    assert "does not take the kept api_key" in await refused(admin, provider)


@pytest.fixture
def neighbour(app: FastAPI, server: ProviderServer) -> str:
    """The address of a server that may be asked although it is on this machine."""
    place = server.url.removeprefix("http://")
    app.state.resources = replace(app.state.resources, outside=lambda: GuardedHttp([place]))
    return server.url


async def test_a_list_is_fetched_from_an_address_without_the_providers_key(
    admin: Client, make: Make, server: ProviderServer, neighbour: str
) -> None:
    provider = await make("providers", api_key="sk-own-of-theirs")
    server.answers["/prices.json"] = answer_with(200, PRICES)
    found = await taken(admin, provider, url=f"{neighbour}/prices.json?raw=1&ref=main/")

    assert server.queries == ["raw=1&ref=main/"]
    assert found["created"] == ["gpt-small", "gpt-old", "text-embedding"]
    assert server.keys == [""]


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, {}, "HTTP 404"),
        (200, "<html>", "not JSON"),
        (200, [], "none of the known forms"),
        (200, {"a": 1}, "none of the known forms"),
        (200, "x" * (2 * 1024 * 1024 + 1), "2 MB"),
    ],
)
async def test_what_is_no_list_is_said_to_be_none(
    admin: Client,
    provider: JsonObject,
    server: ProviderServer,
    neighbour: str,
    status: int,
    content: object,
    said: str,
) -> None:
    server.answers["*"] = answer_with(status, content)

    assert said in await refused(admin, provider, url=f"{neighbour}/list")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:secret@prices.example/list", "url: holds more than host, path and query"),
        ("https://prices.example/list#secret", "url: holds more than host, path and query"),
        ("prices.example/list", "such as https://example.org/models.json"),
    ],
)
async def test_an_address_that_no_list_has_is_refused_in_words_of_its_own(
    admin: Client, provider: JsonObject, url: str, said: str
) -> None:
    given = {"provider_id": provider["id"], "url": url}
    answer = await admin.post("/models/import", json=given)

    assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
    assert "secret" not in answer.text
    assert "api_key" not in answer.text


async def test_an_address_of_this_machine_is_not_asked(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    detail = await refused(admin, provider, url=f"{server.url}/prices.json")

    assert detail.startswith("url: ")
    assert server.asked == []


@pytest.mark.parametrize(
    ("models", "said"),
    [({}, "known forms"), ({"a": 1}, "known forms"), ({"data": {}, "b": 2}, "known forms")],
)
async def test_a_list_of_no_known_form_is_refused(
    admin: Client, provider: JsonObject, models: JsonObject, said: str
) -> None:
    assert said in await refused(admin, provider, models=models)


async def test_a_list_and_an_address_at_once_are_refused(
    admin: Client, provider: JsonObject
) -> None:
    both = {"models": PRICES, "url": "https://prices.example/list"}

    assert "not both" in await refused(admin, provider, **both)


async def test_a_price_that_is_no_number_costs_one_model_only(
    admin: Client, provider: JsonObject
) -> None:
    odd = ("dear", "1e999999999", "Infinity", "NaN", [1], {})
    table = {str(price): {"input_cost_per_token": price} for price in odd}
    found = await taken(admin, provider, models=table | {"fine": {"mode": "chat"}})

    assert found["created"] == ["fine"]
    reasons = {one["name"]: one["reason"] for one in found["skipped"]}
    assert reasons == dict.fromkeys(map(str, odd), "has a price that is no number")


async def test_an_unknown_provider_is_not_found(admin: Client, person: JsonObject) -> None:
    for source in ({"models": PRICES}, {}):
        answer: httpx2.Response = await admin.post(
            "/models/import", json={"provider_id": person["id"]} | source
        )
        assert answer.status_code == 404
