"""The error format of FastAPI services."""

import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI, Query
from starlette.exceptions import HTTPException

from smart_kit.api import add_error_handlers, add_health, error_responses
from smart_kit.contracts.base import RequestBody
from smart_kit.errors import (
    DOMAIN_ERRORS,
    Conflict,
    DomainError,
    NotAuthenticated,
    NotFound,
)
from smart_kit.health import Health


class Thing(RequestBody):
    name: str
    size: int = 0


class OutOfPaper(DomainError):
    """There is no paper."""

    status_code = 503


@pytest.fixture
def error_to_raise() -> list[Exception]:
    """The error that the route raises."""
    return []


@pytest.fixture
def app(error_to_raise: list[Exception]) -> FastAPI:
    app = FastAPI(responses=error_responses(NotFound, Conflict))
    add_error_handlers(app)
    add_health(app, Health("a_service"))

    @app.get("/things/{thing_id}")
    async def read(thing_id: UUID) -> None:
        raise error_to_raise[0]

    @app.post("/things")
    async def create(thing: Thing, limit: Annotated[int, Query()] = 1) -> str:
        return thing.name

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://a_service") as client:
        yield client


THING = "/things/6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11"


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (NotFound("There is no thing x."), 404, ("not_found", "There is no thing x.")),
        (Conflict(), 409, ("conflict", "The request conflicts with an existing record.")),
        (OutOfPaper(), 503, ("out_of_paper", "There is no paper.")),
        (HTTPException(501, "Not today."), 501, ("not_implemented", "Not today.")),
        (HTTPException(404, "No thing \ud800."), 404, ("not_found", "No thing ?.")),
        (RuntimeError("secret"), 500, ("internal_error", "Something went wrong here.")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_domain_error_becomes_status_error_name_and_detail(
    client: httpx2.AsyncClient,
    error_to_raise: list[Exception],
    error: Exception,
    status: int,
    body: tuple[str, str],
) -> None:
    error_to_raise.append(error)
    response = await client.get(THING)

    assert response.status_code == status
    assert response.json() == {"error": body[0], "detail": body[1]}


async def test_missing_authentication_is_answered_with_a_challenge(
    client: httpx2.AsyncClient, error_to_raise: list[Exception]
) -> None:
    error_to_raise.append(NotAuthenticated())
    response = await client.get(THING)

    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_unknown_path_or_method_is_named(client: httpx2.AsyncClient) -> None:
    path = await client.get("/nothing")
    method = await client.put("/things")

    assert path.json() == {"error": "not_found", "detail": "There is nothing at /nothing."}
    assert method.json() == {
        "error": "method_not_allowed",
        "detail": "PUT is not possible at /things.",
    }
    assert method.headers["Allow"] == "POST"


async def test_malformed_fields_are_named_without_their_values(
    client: httpx2.AsyncClient,
) -> None:
    body = {"size": "my password", "colour": "my password"}
    response = await client.post("/things", params={"limit": "x"}, json=body)

    assert response.status_code == 422
    assert response.json()["error"] == "validation_failed"
    detail = response.json()["detail"]
    for place in ("query.limit: ", "body.name: Field required", "body.size: ", "body.colour: "):
        assert place in detail
    assert "my password" not in detail


async def test_body_that_is_not_json_is_reported(client: httpx2.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/things", content="{", headers=headers)

    assert response.status_code == 422
    assert response.json()["detail"].startswith("The body is not JSON: ")


async def test_number_of_reported_validation_errors_is_limited(client: httpx2.AsyncClient) -> None:
    body = {f"unknown {n}": n for n in range(100)}
    response = await client.post("/things", json=body)

    assert response.json()["detail"].endswith("; and 96 more")


def test_openapi_document_shows_the_error_format(app: FastAPI) -> None:
    responses = app.openapi()["paths"]["/things"]["post"]["responses"]

    assert set(responses) == {"200", "404", "409", "422"}
    assert "ErrorRead" in json.dumps(responses["422"])
    assert "HTTPValidationError" not in json.dumps(app.openapi())


def test_every_domain_error_can_be_documented() -> None:
    assert set(error_responses(*DOMAIN_ERRORS)) == {400, 401, 403, 404, 409, 422}


async def test_health_and_metrics_are_served(client: httpx2.AsyncClient) -> None:
    await client.get("/nothing")
    metrics = await client.get("/metrics")

    assert (await client.get("/health")).json()["status"] == "ok"
    assert "http_requests_total" in metrics.text
