"""Sources of an import: the provider itself or a URL, and their errors."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rest_service.tests.api_helpers import Client, JsonObject, Make
from rest_service.tests.fake_provider_server import (
    MODEL_NAMES,
    FakeProviderServer,
    respond_with,
    run_fake_provider_server,
)
from rest_service.tests.model_import_helpers import (
    PRICE_TABLE,
    assert_import_refused,
    import_models,
)
from smart_kit.safe_http.client import SafeHttpClient


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeProviderServer]:
    async with run_fake_provider_server() as running:
        yield running


async def test_without_a_list_the_provider_is_asked_for_its_own_with_its_key(
    admin: Client, make: Make, server: FakeProviderServer
) -> None:
    provider = await make("providers", base_url=f"{server.url}/v1", api_key="sk-own-of-theirs")

    assert (await import_models(admin, provider))["created"] == list(MODEL_NAMES)
    assert server.authorization_headers == ["Bearer sk-own-of-theirs"]
    server.responders["*"] = respond_with(401, {})
    assert "refuses the stored api_key" in await assert_import_refused(admin, provider)


@pytest.fixture
def local_server_url(app: FastAPI, server: FakeProviderServer) -> str:
    """The URL of a local server that the guard lets through."""
    place = server.url.removeprefix("http://")
    app.state.resources = replace(
        app.state.resources, make_safe_http=lambda: SafeHttpClient([place])
    )
    return server.url


async def test_a_list_is_fetched_from_an_address_without_the_providers_key(
    admin: Client, make: Make, server: FakeProviderServer, local_server_url: str
) -> None:
    provider = await make("providers", api_key="sk-own-of-theirs")
    server.responders["/prices.json"] = respond_with(200, PRICE_TABLE)
    found = await import_models(
        admin, provider, url=f"{local_server_url}/prices.json?raw=1&ref=main/"
    )

    assert server.queries == ["raw=1&ref=main/"]
    assert found["created"] == ["gpt-small", "gpt-old", "text-embedding"]
    assert server.authorization_headers == [""]


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, {}, "HTTP 404"),
        (200, "<html>", "not JSON"),
        (200, [], "an unknown form"),
        (200, {"a": 1}, "an unknown form"),
        (200, "x" * (2 * 1024 * 1024 + 1), "2 MB"),
    ],
)
async def test_what_is_no_list_is_said_to_be_none(
    admin: Client,
    provider: JsonObject,
    server: FakeProviderServer,
    local_server_url: str,
    status: int,
    content: object,
    said: str,
) -> None:
    server.responders["*"] = respond_with(status, content)

    assert said in await assert_import_refused(admin, provider, url=f"{local_server_url}/list")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:secret@prices.example/list", "url: must be only host, path and query"),
        ("https://prices.example/list#secret", "url: must be only host, path and query"),
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
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    detail = await assert_import_refused(admin, provider, url=f"{server.url}/prices.json")

    assert detail.startswith("url: ")
    assert server.requests == []


async def test_a_list_and_an_address_at_once_are_refused(
    admin: Client, provider: JsonObject
) -> None:
    both = {"models": PRICE_TABLE, "url": "https://prices.example/list"}

    assert "not both" in await assert_import_refused(admin, provider, **both)
