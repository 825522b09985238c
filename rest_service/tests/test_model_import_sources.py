"""Where a list of models comes from: the provider itself or an address, and what is refused."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rest_service.tests.api_helpers import Client, JsonObject, Make
from rest_service.tests.model_import_helpers import PRICES, import_models, refused_import
from rest_service.tests.provider_server import NAMES, ProviderServer, answer_with, provider_server
from smart_kit.guarded_http import GuardedHttp


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[ProviderServer]:
    async with provider_server() as running:
        yield running


async def test_without_a_list_the_provider_is_asked_for_its_own_with_its_key(
    admin: Client, make: Make, server: ProviderServer
) -> None:
    provider = await make("providers", base_url=f"{server.url}/v1", api_key="sk-own-of-theirs")

    assert (await import_models(admin, provider))["created"] == list(NAMES)
    assert server.keys == ["Bearer sk-own-of-theirs"]
    server.answers["*"] = answer_with(401, {})
    assert "does not take the kept api_key" in await refused_import(admin, provider)


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
    found = await import_models(admin, provider, url=f"{neighbour}/prices.json?raw=1&ref=main/")

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

    assert said in await refused_import(admin, provider, url=f"{neighbour}/list")


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
    detail = await refused_import(admin, provider, url=f"{server.url}/prices.json")

    assert detail.startswith("url: ")
    assert server.asked == []


async def test_a_list_and_an_address_at_once_are_refused(
    admin: Client, provider: JsonObject
) -> None:
    both = {"models": PRICES, "url": "https://prices.example/list"}

    assert "not both" in await refused_import(admin, provider, **both)
