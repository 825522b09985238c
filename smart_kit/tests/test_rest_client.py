"""ServiceClient with a scripted server in place of the network."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
import pytest
import stamina
import structlog
from pydantic import SecretStr

from smart_kit.contracts.base import Contract, RequestBody
from smart_kit.errors import (
    Conflict,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    SmartAssistantError,
    UpstreamRejected,
    UpstreamUnavailable,
)
from smart_kit.rest_client import MAX_ATTEMPTS, RestClientSettings, ServiceClient
from smart_kit.rest_client.httpx2_transport import Httpx2Transport

USER = UUID("6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11")

MockedResponse = httpx2.Response | Exception


@pytest.fixture(autouse=True)
def no_retry_delays() -> Iterator[None]:
    """Make as many attempts as in production, without delays."""
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        yield


class Thing(Contract):
    name: str


class ThingUpdate(RequestBody):
    name: str | None = None
    colour: str | None = None


class ScriptedRestService:
    """Returns the given responses in order, then always the last one, and records requests."""

    def __init__(self, *responses: MockedResponse) -> None:
        self.requests: list[httpx2.Request] = []
        self._responses = list(responses)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        response = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        if isinstance(response, Exception):
            raise response
        return response


@asynccontextmanager
async def make_client(
    server: Callable[[httpx2.Request], httpx2.Response],
) -> AsyncIterator[ServiceClient]:
    settings = RestClientSettings(
        rest_service_url="http://rest:8000/",
        service_api_token=SecretStr("the-service-token"),
    )
    transport = Httpx2Transport("http://rest", httpx2.MockTransport(server))
    client = ServiceClient(settings, transport)
    yield client
    await client.close()


def make_thing_response() -> httpx2.Response:
    return httpx2.Response(200, json={"name": "a", "added later": 1})


def make_error_response(status: int, headers: dict[str, str] | None = None) -> httpx2.Response:
    body = {"error": "kind", "detail": "the reason"}
    return httpx2.Response(status, json=body, headers=headers)


async def test_request_has_token_user_key_and_set_fields() -> None:
    server = ScriptedRestService(make_thing_response())
    async with make_client(server) as client:
        thing = await client.call(
            "PATCH",
            "/things/1",
            Thing,
            body=ThingUpdate(colour=None),
            user_id=USER,
            idempotency_key="tg:1:2/0.1",
            params={"limit": 5},
        )

    (request,) = server.requests
    assert thing == Thing(name="a")
    assert (request.method, str(request.url)) == ("PATCH", "http://rest:8000/api/things/1?limit=5")
    assert request.headers["Authorization"] == "Bearer the-service-token"
    assert request.headers["X-User-Id"] == str(USER)
    assert request.headers["Idempotency-Key"] == "tg:1:2/0.1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.content == b'{"colour":null}'


async def test_request_has_the_correlation_id() -> None:
    server = ScriptedRestService(make_thing_response())
    with structlog.contextvars.bound_contextvars(correlation_id="tg:1:2"):
        async with make_client(server) as client:
            await client.call("GET", "/things", Thing)

    assert server.requests[0].headers["X-Correlation-Id"] == "tg:1:2"


async def test_send_accepts_a_response_without_body() -> None:
    server = ScriptedRestService(httpx2.Response(204))
    async with make_client(server) as client:
        await client.send("DELETE", "/things/1")

    assert server.requests[0].content == b""
    assert "X-User-Id" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequest),
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (409, Conflict),
        (422, InvalidRequest),
    ],
)
async def test_refusal_becomes_a_domain_error_without_retry(
    status: int, error: type[SmartAssistantError]
) -> None:
    server = ScriptedRestService(make_error_response(status))
    async with make_client(server) as client:
        with pytest.raises(error) as caught:
            await client.call("GET", "/things/1", Thing)

    assert caught.value.message == "the reason"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        make_error_response(418),
        httpx2.Response(302),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(204),
    ],
    ids=["teapot", "redirect", "a page", "nothing"],
)
async def test_unexpected_response_is_a_rejection_without_retry(
    response: httpx2.Response,
) -> None:
    server = ScriptedRestService(response)
    async with make_client(server) as client:
        with pytest.raises(UpstreamRejected, match="rest_service"):
            await client.call("GET", "/things/1", Thing)

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout(""),
        httpx2.RemoteProtocolError("disconnected"),
        AttributeError("'NoneType' object has no attribute 'getpeername'"),
        make_error_response(500),
        make_error_response(503),
        make_error_response(429),
    ],
    ids=lambda failure: getattr(failure, "status_code", type(failure).__name__),
)
async def test_temporary_failure_is_retried(failure: MockedResponse) -> None:
    server = ScriptedRestService(failure, make_thing_response())
    async with make_client(server) as client:
        assert await client.call("GET", "/things/1", Thing) == Thing(name="a")


async def test_lasting_failure_is_raised_after_three_attempts() -> None:
    server = ScriptedRestService(httpx2.ReadTimeout(""))
    async with make_client(server) as client:
        with pytest.raises(UpstreamUnavailable) as caught:
            await client.call("GET", "/things/1", Thing)

    assert caught.value.message == "rest_service: ReadTimeout"
    assert len(server.requests) == MAX_ATTEMPTS


async def test_failure_has_status_and_retry_after() -> None:
    server = ScriptedRestService(make_error_response(503, {"Retry-After": "7"}))
    async with make_client(server) as client:
        with pytest.raises(UpstreamUnavailable) as caught:
            await client.call("POST", "/things", Thing)

    assert (caught.value.status, caught.value.retry_after) == (503, 7.0)


async def test_failure_in_another_format_is_described_by_its_status() -> None:
    server = ScriptedRestService(httpx2.Response(502, text="<html>Bad gateway</html>"))
    async with make_client(server) as client:
        with pytest.raises(UpstreamUnavailable, match="rest_service: HTTP 502"):
            await client.call("POST", "/things", Thing)


@pytest.mark.parametrize(("key", "attempts"), [(None, 1), ("tg:1:2/0.1", MAX_ATTEMPTS)])
async def test_post_is_retried_only_with_an_idempotency_key(key: str | None, attempts: int) -> None:
    server = ScriptedRestService(httpx2.ReadTimeout(""))
    async with make_client(server) as client:
        with pytest.raises(UpstreamUnavailable):
            await client.call("POST", "/things", Thing, idempotency_key=key)

    assert len(server.requests) == attempts


async def test_request_body_is_not_logged() -> None:
    async with make_client(
        ScriptedRestService(httpx2.ConnectError("refused"), make_thing_response())
    ) as client:
        with structlog.testing.capture_logs() as lines:
            await client.call("PUT", "/things/1", Thing, body=ThingUpdate(name="private"))

    assert len(lines) == 1
    assert "private" not in str(lines)
