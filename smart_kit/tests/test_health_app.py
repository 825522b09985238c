"""`/health` of a service whose other parts are loaded by their first request."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from smart_kit.health import Health
from smart_kit.health_app import AsgiApp, HealthApp, Receive, Scope, Send, load_metrics_app
from smart_kit.metrics import PROCESSED_MESSAGES


@pytest.fixture
def health() -> Health:
    return Health("a_service")


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx2.AsyncClient]:
    """A service without an API."""
    async with open_client(HealthApp(health, load_metrics_app)) as client:
        yield client


def open_client(app: AsgiApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://service")


async def test_status_follows_the_checks(client: httpx2.AsyncClient, health: Health) -> None:
    healthy = await client.get("/health")
    health.add_check("redis", lambda: "it is away")
    unavailable = await client.get("/health")

    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    assert (unavailable.status_code, unavailable.json()["checks"]["redis"]) == (503, "it is away")


async def test_metrics_have_the_format_of_prometheus(client: httpx2.AsyncClient) -> None:
    PROCESSED_MESSAGES.labels("in", "done").inc()
    response = await client.get("/metrics")

    assert response.headers["Content-Type"].startswith("text/plain")
    assert 'smart_assistant_messages_total{outcome="done",queue="in"}' in response.text


async def test_other_paths_are_not_found(client: httpx2.AsyncClient) -> None:
    response = await client.get("/nothing")

    assert (response.status_code, response.json()) == (404, {"error": "not_found"})


async def test_first_request_but_those_for_health_loads_the_rest_once(health: Health) -> None:
    loaded: list[str] = []

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    def load() -> AsgiApp:
        loaded.append("the rest")
        return answer

    async with open_client(HealthApp(health, load)) as client:
        await client.get("/health")
        assert loaded == []
        statuses = [(await client.get("/events")).status_code for _ in range(2)]

    assert (statuses, loaded) == ([204, 204], ["the rest"])
