"""Responses of google_calendar_service without a connection to Google."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from pydantic import SecretStr

from google_calendar_service.src import main
from google_calendar_service.src.config.settings import Settings

TOKEN = "the-service-token"
USER_ID = "6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11"
AUTHORIZATION_HEADERS = {"Authorization": f"Bearer {TOKEN}"}
NOT_CONFIGURED_RESPONSE = {
    "error": "google_not_configured",
    "detail": (
        "Google Calendar is not configured: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET in .env."
    ),
}

AUTHENTICATED_ROUTES = [
    ("GET", f"/auth/url/{USER_ID}"),
    ("GET", f"/events/{USER_ID}"),
    ("POST", f"/events/{USER_ID}"),
]
CALLBACK_ROUTE = ("GET", "/auth/callback?code=a&state=b")


def make_settings(client_id: str | None = None, client_secret: str | None = None) -> Settings:
    """Build settings that do not depend on the environment's OAuth client."""
    return Settings(
        service_api_token=SecretStr(TOKEN),
        google_client_id=client_id,
        google_client_secret=SecretStr(client_secret) if client_secret else None,
    )


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(main.build_app(settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://google") as client:
        yield client


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(make_settings()) as client:
        yield client


async def test_health_and_metrics_are_served(client: httpx2.AsyncClient) -> None:
    health = await client.get("/health")

    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize(("method", "path"), AUTHENTICATED_ROUTES)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer another"}, {"Authorization": "x"}]
)
async def test_requests_without_service_token_are_refused(
    client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    response = await client.request(method, path, headers=headers)

    assert response.status_code == 401
    assert response.json()["error"] == "not_authenticated"


@pytest.mark.parametrize(("method", "path"), [*AUTHENTICATED_ROUTES, CALLBACK_ROUTE])
async def test_unconfigured_google_is_answered_with_instructions(
    client: httpx2.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(method, path, headers=AUTHORIZATION_HEADERS)

    assert (response.status_code, response.json()) == (503, NOT_CONFIGURED_RESPONSE)


async def test_oauth_callback_needs_no_token(client: httpx2.AsyncClient) -> None:
    method, path = CALLBACK_ROUTE

    assert (await client.request(method, path)).json() == NOT_CONFIGURED_RESPONSE


@pytest.mark.parametrize(("method", "path"), [*AUTHENTICATED_ROUTES, CALLBACK_ROUTE])
async def test_configured_oauth_client_is_answered_with_not_implemented(
    method: str, path: str
) -> None:
    async with open_client(make_settings("id", "secret")) as client:
        response = await client.request(method, path, headers=AUTHORIZATION_HEADERS)

    assert (response.status_code, response.json()["error"]) == (501, "not_implemented")


async def test_incomplete_oauth_client_counts_as_unconfigured() -> None:
    async with open_client(make_settings("id")) as client:
        response = await client.get(f"/events/{USER_ID}", headers=AUTHORIZATION_HEADERS)

    assert response.status_code == 503


async def test_user_id_must_be_a_uuid(client: httpx2.AsyncClient) -> None:
    response = await client.get("/events/110201543", headers=AUTHORIZATION_HEADERS)

    assert response.status_code == 422
    assert response.json()["detail"].startswith("path.user_id: ")


async def test_documentation_names_missing_configuration(client: httpx2.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()

    assert "GOOGLE_CLIENT_ID" in described["info"]["description"]
    assert set(described["paths"]["/events/{user_id}"]["get"]["responses"]) >= {"401", "422", "503"}
    assert (await client.get("/docs")).status_code == 200


async def test_uvicorn_finds_the_application_by_its_usual_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICE_API_TOKEN", TOKEN)
    transport = httpx2.ASGITransport(main.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://google") as client:
        schema = (await client.get("/openapi.json")).json()

    assert schema["info"]["title"] == "Smart Assistant: Google Calendar"
