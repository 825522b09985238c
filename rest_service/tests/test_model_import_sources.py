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


async def test_provider_model_list_is_fetched_with_its_key(
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


async def test_list_from_url_is_fetched_without_provider_key(
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
    ("status", "content", "reason"),
    [
        (404, {}, "HTTP 404"),
        (200, "<html>", "not JSON"),
        (200, [], "an unknown form"),
        (200, {"a": 1}, "an unknown form"),
        (200, "x" * (2 * 1024 * 1024 + 1), "2 MB"),
    ],
)
async def test_invalid_list_from_url_is_refused_with_reason(
    admin: Client,
    provider: JsonObject,
    server: FakeProviderServer,
    local_server_url: str,
    status: int,
    content: object,
    reason: str,
) -> None:
    server.responders["*"] = respond_with(status, content)

    assert reason in await assert_import_refused(admin, provider, url=f"{local_server_url}/list")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://me:secret@prices.example/list", "url: must be only host, path and query"),
        ("https://prices.example/list#secret", "url: must be only host, path and query"),
        ("prices.example/list", "such as https://example.org/models.json"),
    ],
)
async def test_invalid_url_is_refused_with_its_own_message(
    admin: Client, provider: JsonObject, url: str, reason: str
) -> None:
    body = {"provider_id": provider["id"], "url": url}
    answer = await admin.post("/models/import", json=body)

    assert (answer.status_code, reason in answer.json()["detail"]) == (422, True), answer.text
    assert "secret" not in answer.text
    assert "api_key" not in answer.text


async def test_local_url_is_not_requested(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    detail = await assert_import_refused(admin, provider, url=f"{server.url}/prices.json")

    assert detail.startswith("url: ")
    assert server.requests == []


async def test_list_and_url_together_are_refused(admin: Client, provider: JsonObject) -> None:
    both = {"models": PRICE_TABLE, "url": "https://prices.example/list"}

    assert "not both" in await assert_import_refused(admin, provider, **both)
