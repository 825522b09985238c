"""Every invalid request gets a documented error response."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rest_service.app.error_handlers import add_handlers
from rest_service.app.middleware.request_guard import MAX_BYTES
from rest_service.tests.api_helpers import Client

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "error"),
    [
        ("GET", "/nothing", None, 404, "not_found"),
        ("GET", "", None, 404, "not_found"),
        ("TRACE", "/tools", None, 405, "method_not_allowed"),
        ("GET", f"/tools/{ID}", None, 404, "not_found"),
        ("GET", "/tools/not-a-uuid", None, 422, "validation_failed"),
        ("GET", "/tools?limit=0", None, 422, "validation_failed"),
        ("GET", "/tools?limit=201", None, 422, "validation_failed"),
        ("GET", "/tools?offset=-1", None, 422, "validation_failed"),
        ("GET", f"/tools?offset={2**64}", None, 422, "validation_failed"),
        ("GET", "/tools?limt=7", None, 422, "validation_failed"),
        ("GET", "/tools?limit=7&offset=0&limit=8", None, 422, "validation_failed"),
        ("GET", "/tools?%E9=&%E9=", None, 422, "validation_failed"),
        ("GET", "/turns/%00", None, 422, "validation_failed"),
        ("GET", "/messages?message_id=%00", None, 422, "validation_failed"),
        ("GET", f"/users/by-telegram-id/{2**63}", None, 422, "validation_failed"),
        ("POST", "/tools", b"{", 422, "validation_failed"),
        ("POST", "/tools", b"\xff", 400, "invalid_request"),
        ("POST", "/tools", b"[" * 100_000, 400, "invalid_request"),
        ("POST", "/tools", b'{"name": ' + b"9" * 5000 + b"}", 400, "invalid_request"),
        ("POST", "/tools", b"", 422, "validation_failed"),
        ("POST", "/tools", b"[]", 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 0}', 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 1e400}', 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 7, "role": "owner"}', 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 7, "\\ud800": 1}', 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 7, "username": "\\u0000"}', 422, "validation_failed"),
        ("POST", "/users", b'{"telegram_id": 7, "username": "\\ud800"}', 422, "validation_failed"),
        ("POST", "/assistants", b"x" * (MAX_BYTES + 1), 413, "content_too_large"),
    ],
)
async def test_bad_input_is_refused(
    admin: Client, method: str, path: str, content: bytes | None, status: int, error: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await admin.request(method, path, content=content, headers=headers)

    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "detail"}
    assert answer.json()["error"] == error
    assert answer.json()["detail"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "json"])
async def test_body_without_json_content_type_is_415(admin: Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await admin.post("/users", content=b'{"telegram_id": 7}', headers=headers)

    assert answer.status_code == 415
    assert answer.json()["error"] == "unsupported_media_type"
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
async def test_all_json_content_types_are_accepted(admin: Client, kind: str) -> None:
    headers = {"Content-Type": kind}
    answer = await admin.post("/users", content=b'{"telegram_id": 7}', headers=headers)

    assert answer.status_code == 201


async def test_request_without_body_needs_no_content_type(admin: Client) -> None:
    assert (await admin.post("/cron-jobs/claim")).status_code == 200


async def test_streamed_body_over_the_limit_is_refused(admin: Client) -> None:
    async def stream_body() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    headers = {"Content-Type": "application/json"}
    answer = await admin.post("/assistants", content=stream_body(), headers=headers)

    assert answer.status_code == 413
    assert answer.json()["error"] == "content_too_large"


async def test_refusal_names_each_invalid_field(admin: Client) -> None:
    answer = await admin.post("/tools", json={"name": "a b", "tool_type": "x", "colour": 1})

    detail = answer.json()["detail"]
    for place in ("body.name", "body.tool_type", "body.description: Field required", "body.colour"):
        assert place in detail


class DriverError(Exception):
    """The error that the Postgres driver raises."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (IntegrityError("x", None, DriverError("23505")), 409),
        (DBAPIError("x", None, DriverError("22021")), 400),
        (DBAPIError("x", None, DriverError("40P01")), 503),
        (DBAPIError("x", None, DriverError("57P03")), 503),
        (DBAPIError("x", None, DriverError("42P01")), 503),
        (PoolTimeout(), 503),
        (ConnectionRefusedError(), 503),
        (RedisConnectionError(), 503),
    ],
)
async def test_database_errors_become_error_responses(error: Exception, status: int) -> None:
    app = FastAPI()
    add_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    async with Client(transport=ASGITransport(app), base_url="http://rest") as http:
        answer = await http.get("/")

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "detail"}
