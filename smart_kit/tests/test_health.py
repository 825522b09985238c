"""Health reports, directly and over HTTP."""

import tomllib
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from smart_kit.health import Health
from smart_kit.metrics import PROCESSED_MESSAGES
from smart_kit.service import build_health_app
from smart_kit.version import get_version

ROOT = Path(__file__).parents[2]


def test_service_without_checks_is_healthy() -> None:
    assert Health("a_service").report() == {
        "status": "ok",
        "service": "a_service",
        "version": get_version(),
        "detail": "",
        "note": "",
        "checks": {},
    }


def test_failed_check_makes_the_service_unavailable() -> None:
    health = Health("a_service")
    health.add_check("redis", lambda: None)
    health.add_check("telegram", lambda: "no answer for 95 s")

    assert health.report() == {
        "status": "unavailable",
        "service": "a_service",
        "version": get_version(),
        "detail": "telegram: no answer for 95 s",
        "note": "",
        "checks": {"redis": "ok", "telegram": "no answer for 95 s"},
    }


def test_version_is_that_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert get_version() == project["version"]


@pytest.fixture
def probe_results() -> list[str | None]:
    """Results of the check; the last one applies."""
    return [None]


async def test_http_status_follows_the_checks(probe_results: list[str | None]) -> None:
    health = Health("a_service")
    health.add_check("redis", lambda: probe_results[-1])
    async with TestClient(TestServer(build_health_app(health))) as client:
        healthy = await client.get("/health")
        probe_results.append("it is away")
        unavailable = await client.get("/health")
        probe_results.append(None)
        again = await client.get("/health")

        assert (healthy.status, unavailable.status, again.status) == (200, 503, 200)
        assert (await unavailable.json())["checks"] == {"redis": "it is away"}


async def test_metrics_have_the_format_of_prometheus() -> None:
    PROCESSED_MESSAGES.labels("in", "done").inc()
    async with TestClient(TestServer(build_health_app(Health("a_service")))) as client:
        response = await client.get("/metrics")

        assert response.headers["Content-Type"].startswith("text/plain")
        assert 'smart_assistant_messages_total{outcome="done",queue="in"}' in await response.text()
