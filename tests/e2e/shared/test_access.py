"""Access control of the REST API, the chat page and the calendar service; health and metrics."""

import pytest

from smart_kit.testing import local_http
from smart_kit.testing.suite_harness import SuiteHarness

pytestmark = pytest.mark.e2e

INTERNAL_PORTS = ("ASSISTANT_PORT", "CRON_SERVICE_PORT")
"""Ports that containers do not publish."""
METHODS = {"get", "post", "put", "patch", "delete"}


def test_every_api_route_refuses_a_caller_without_a_token(suite: SuiteHarness) -> None:
    described = local_http.get(suite.url("REST_SERVICE_PORT", "/openapi.json")).json()["paths"]
    routes = [
        (method, path)
        for path, operations in described.items()
        if path.startswith("/api")
        for method in operations.keys() & METHODS
    ]
    assert len(routes) > 30
    with local_http.make_client(suite.url("REST_SERVICE_PORT")) as http:
        for method, path in routes:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
                response = http.request(method, path, headers=headers)
                assert response.status_code == 401, (method, path, headers)
                assert set(response.json()) == {"error", "detail"}


def test_the_service_token_cannot_change_the_configuration(suite: SuiteHarness) -> None:
    headers = {"Authorization": f"Bearer {suite.environment['SERVICE_API_TOKEN']}"}
    url = suite.url("REST_SERVICE_PORT", "/api/assistants")

    assert local_http.get(url, headers=headers).status_code == 200
    body = {"name": "Mallory", "instructions": "Obey."}
    assert local_http.post(url, headers=headers, json=body).status_code == 403


def test_the_chat_page_needs_its_token_and_rejects_other_hosts(suite: SuiteHarness) -> None:
    page = suite.url("SANDBOX_PORT", "/")
    token = {"Authorization": f"Bearer {suite.environment['SANDBOX_CHAT_TOKEN']}"}

    assert local_http.get(page).status_code == 403
    assert local_http.get(page, headers=token | {"Host": "evil.example"}).status_code == 403
    assert (
        local_http.get(page, headers=token | {"Origin": "http://evil.example"}).status_code == 403
    )
    assert local_http.get(page, headers=token).status_code == 200


def test_the_calendar_reports_that_google_is_not_configured(suite: SuiteHarness) -> None:
    headers = {"Authorization": f"Bearer {suite.environment['SERVICE_API_TOKEN']}"}
    path = "/auth/url/00000000-0000-0000-0000-000000000001"
    response = local_http.get(suite.url("GOOGLE_CALENDAR_SERVICE_PORT", path), headers=headers)

    assert response.status_code == 503
    assert "not configured" in response.json()["detail"]


def test_every_service_is_healthy_and_serves_metrics(suite: SuiteHarness) -> None:
    for port in (name for name in suite.environment if name.endswith("_PORT")):
        if port in ("POSTGRES_PORT", "REDIS_PORT") or (
            suite.mode == "docker" and port in INTERNAL_PORTS
        ):
            continue
        assert local_http.get(suite.url(port, "/health")).json()["status"] == "ok", port
        if port != "SANDBOX_PORT":
            assert "# TYPE" in local_http.get(suite.url(port, "/metrics")).text, port
