"""Authorization of tokens and users."""

from itertools import product

import httpx2
import pytest
from fastapi import FastAPI

from rest_service.tests.api_helpers import (
    ADMIN_TOKEN,
    SERVICE_TOKEN,
    Client,
    JsonObject,
    Make,
    list_items,
    make_client,
    make_user_headers,
)

ID = "11111111-1111-1111-1111-111111111111"
DOCS_PAGE_PATHS = {
    "",
    "/start.js",
    "/swagger-ui-bundle.js",
    "/swagger-ui.css",
    "/favicon-32x32.png",
}
PUBLIC_PATHS = {
    "/health",
    "/metrics",
    "/openapi.json",
    *(f"/docs{part}" for part in DOCS_PAGE_PATHS),
}

BAD_CREDENTIALS = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {ADMIN_TOKEN}x"},
    {"Authorization": f"Basic {ADMIN_TOKEN}"},
    {"Authorization": ADMIN_TOKEN},
]

ADMIN_ONLY = [
    ("POST", "/assistants"),
    ("PATCH", f"/assistants/{ID}"),
    ("PUT", f"/assistants/{ID}"),
    ("DELETE", f"/assistants/{ID}"),
    ("POST", f"/assistants/{ID}/tools/{ID}"),
    ("DELETE", f"/assistants/{ID}/tools/{ID}"),
    ("POST", "/tools"),
    ("PATCH", f"/tools/{ID}"),
    ("PUT", f"/tools/{ID}"),
    ("DELETE", f"/tools/{ID}"),
    ("POST", "/assistant-tools"),
    ("PATCH", f"/assistant-tools/{ID}"),
    ("PUT", f"/assistant-tools/{ID}"),
    ("DELETE", f"/assistant-tools/{ID}"),
    ("DELETE", f"/users/{ID}"),
    ("POST", "/invites"),
    ("DELETE", f"/tasks/{ID}"),
    ("POST", "/providers"),
    ("PATCH", f"/providers/{ID}"),
    ("PUT", f"/providers/{ID}"),
    ("DELETE", f"/providers/{ID}"),
    ("POST", "/models"),
    ("PATCH", f"/models/{ID}"),
    ("PUT", f"/models/{ID}"),
    ("DELETE", f"/models/{ID}"),
    ("POST", f"/providers/{ID}/test"),
    ("POST", "/models/import"),
    ("GET", "/secrets"),
    ("POST", "/secrets"),
    ("POST", "/secrets/rotation"),
    ("GET", f"/secrets/{ID}"),
    ("PATCH", f"/secrets/{ID}"),
    ("PUT", f"/secrets/{ID}"),
    ("DELETE", f"/secrets/{ID}"),
    ("GET", "/dead-letters"),
    ("GET", "/dead-letters/to_telegram:1-0"),
    ("POST", "/dead-letters/to_telegram:1-0/replay"),
    ("DELETE", "/dead-letters/to_telegram:1-0"),
    ("GET", "/audit"),
    ("GET", "/turns/tg:1:1/trace"),
    *(
        (method, f"/{resource}/{ID}/versions{path}")
        for resource in ("assistants", "tools")
        for method, path in (
            ("GET", ""),
            ("GET", "/compare?before=1&after=2"),
            ("GET", "/1"),
            ("POST", "/1/restore"),
        )
    ),
]
USER_SCOPED = [
    ("GET", "/users"),
    ("GET", f"/users/{ID}"),
    ("PATCH", f"/users/{ID}"),
    ("PUT", f"/users/{ID}"),
    ("GET", "/threads"),
    ("POST", "/threads"),
    ("GET", f"/threads/{ID}"),
    ("DELETE", f"/threads/{ID}"),
    ("GET", "/messages"),
    ("GET", f"/messages/{ID}"),
    ("GET", "/turns"),
    ("GET", "/turns/tg:1:1"),
    ("GET", "/usage"),
    ("GET", "/usage/totals"),
    ("GET", f"/users/{ID}/budget"),
    ("GET", "/effects"),
    ("POST", "/effects/undo"),
    ("GET", f"/effects/{ID}"),
    ("GET", "/cron-jobs"),
    ("POST", "/cron-jobs"),
    ("GET", f"/cron-jobs/{ID}"),
    ("PATCH", f"/cron-jobs/{ID}"),
    ("PUT", f"/cron-jobs/{ID}"),
    ("DELETE", f"/cron-jobs/{ID}"),
    ("GET", f"/cron-jobs/{ID}/runs"),
    ("GET", "/tasks"),
    ("POST", "/tasks"),
    ("GET", f"/tasks/{ID}"),
    ("PATCH", f"/tasks/{ID}"),
    ("PUT", f"/tasks/{ID}"),
    ("GET", "/calendar"),
    ("POST", "/calendar"),
    ("GET", f"/calendar/{ID}"),
    ("PATCH", f"/calendar/{ID}"),
    ("PUT", f"/calendar/{ID}"),
    ("DELETE", f"/calendar/{ID}"),
]
BODIES: dict[tuple[str, str], JsonObject] = {
    ("POST", "/threads"): {"user_id": ID, "assistant_id": ID},
    ("POST", "/cron-jobs"): {"user_id": ID, "text": "x", "cron_expression": "0 9 * * *"},
    ("POST", "/effects/undo"): {"user_id": ID},
    ("POST", "/tasks"): {"user_id": ID, "title": "x"},
    ("POST", "/calendar"): {
        "user_id": ID,
        "title": "x",
        "starts_at": "2031-01-01T09:00Z",
        "ends_at": "2031-01-01T10:00Z",
    },
}


def list_operations(app: FastAPI) -> list[tuple[str, str]]:
    paths = app.openapi()["paths"]
    return [
        (method.upper(), path.replace("{telegram_id}", "7"))
        for path, methods in paths.items()
        for method in methods
    ]


async def test_api_routes_check_the_token_before_anything_else(
    app: FastAPI,
) -> None:
    protected = [item for item in list_operations(app) if item[1].startswith("/api/")]
    assert len(protected) > 45
    unknown = [("GET", "/api"), ("GET", "/api/"), ("GET", "/api/nothing"), ("PUT", "/api/tools/")]
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://rest"
    ) as http:
        for (method, path), headers in product([*protected, *unknown], BAD_CREDENTIALS):
            answer = await http.request(method, path, headers=headers, content=b"{not json")
            assert answer.status_code == 401, (method, path, headers)
            assert answer.json() == {
                "error": "not_authenticated",
                "detail": "A valid bearer token is needed.",
            }
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_only_public_paths_are_outside_the_api(app: FastAPI) -> None:
    documented = {path for _, path in list_operations(app) if not path.startswith("/api/")}
    plain = {getattr(route, "path", "/api") for route in app.routes}

    assert {path for path in documented | plain if not path.startswith("/api")} == PUBLIC_PATHS


async def test_documentation_and_metrics_need_no_token(app: FastAPI) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://rest"
    ) as http:
        for path in ("/docs", "/openapi.json", "/metrics"):
            assert (await http.get(path)).status_code == 200, path


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY)
async def test_the_service_token_cannot_change_the_configuration(
    service: Client, method: str, path: str
) -> None:
    answer = await service.request(method, path, json={})

    assert answer.status_code == 403
    assert answer.json()["error"] == "not_permitted"


@pytest.mark.parametrize(("method", "path"), USER_SCOPED)
async def test_service_token_requires_a_user_id(service: Client, method: str, path: str) -> None:
    answer = await service.request(method, path, json=BODIES.get((method, path), {}))

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert "X-User-Id" in answer.json()["detail"]


async def test_the_service_token_reads_the_configuration(service: Client, make: Make) -> None:
    assistant, tool = await make("assistants"), await make("tools")

    for path in ("/assistants", f"/assistants/{assistant['id']}", f"/tools/{tool['id']}"):
        assert (await service.get(path)).status_code == 200


async def test_rows_of_other_users_are_not_found(service: Client, make: Make) -> None:
    alice, bob = await make("users"), await make("users")
    assistant = await make("assistants")
    job = await make("cron-jobs", user_id=alice["id"])
    thread = await make("threads", user_id=alice["id"], assistant_id=assistant["id"])
    paths = [f"/cron-jobs/{job['id']}", f"/cron-jobs/{job['id']}/runs", f"/threads/{thread['id']}"]
    for resource in ("tasks", "calendar"):
        paths.append(f"/{resource}/{(await make(resource, user_id=alice['id']))['id']}")
    paths += [f"/users/{alice['id']}", f"/users/by-telegram-id/{alice['telegram_id']}"]
    for path in paths:
        assert (await service.get(path, headers=make_user_headers(alice))).status_code == 200, path
        assert (await service.get(path, headers=make_user_headers(bob))).status_code == 404, path
    for path in ("/cron-jobs", "/threads", "/tasks", "/calendar"):
        assert len((await service.get(path, headers=make_user_headers(alice))).json()["items"]) == 1
        assert (await service.get(path, headers=make_user_headers(bob))).json()["items"] == []
        response = await service.get(
            path, headers=make_user_headers(bob), params={"user_id": alice["id"]}
        )
        assert response.json()["items"] == []


CHANGES: list[tuple[str, str, JsonObject]] = [
    *((method, "cron-jobs", {"text": "mine"}) for method in ("PATCH", "PUT", "DELETE")),
    *((method, "tasks", {"title": "mine"}) for method in ("PATCH", "PUT")),
    *((method, "calendar", {"title": "mine"}) for method in ("PATCH", "PUT", "DELETE")),
    *((method, "users", {"language": "ru"}) for method in ("PATCH", "PUT")),
    ("DELETE", "threads", {}),
]


@pytest.mark.parametrize(("method", "resource", "change"), CHANGES)
async def test_rows_of_other_users_cannot_be_changed(
    service: Client,
    admin: Client,
    make: Make,
    method: str,
    resource: str,
    change: JsonObject,
) -> None:
    alice, bob = await make("users"), await make("users")
    row = alice
    if resource == "threads":
        row = await make(
            resource, user_id=alice["id"], assistant_id=(await make("assistants"))["id"]
        )
    elif resource != "users":
        row = await make(resource, user_id=alice["id"])
    path = f"/{resource}/{row['id']}"
    answer = await service.request(method, path, json=change, headers=make_user_headers(bob))

    assert answer.status_code == 404
    assert (await admin.get(path)).json() == row
    answer = await service.request(method, path, json=change, headers=make_user_headers(alice))
    assert answer.is_success


@pytest.mark.parametrize("resource", ["cron-jobs", "threads", "tasks", "calendar"])
async def test_rows_cannot_be_added_for_other_users(
    service: Client, make: Make, resource: str
) -> None:
    alice, bob, assistant = await make("users"), await make("users"), await make("assistants")
    path = f"/{resource}"
    body = BODIES["POST", path] | {"user_id": alice["id"]}
    if resource == "threads":
        body["assistant_id"] = assistant["id"]

    refused = await service.post(path, json=body, headers=make_user_headers(bob))
    assert refused.status_code == 404
    assert (
        await service.post(path, json=body, headers=make_user_headers(alice))
    ).status_code == 201


async def test_an_administrators_user_id_filters_as_well(admin: Client, make: Make) -> None:
    alice, bob = await make("users"), await make("users")
    await make("cron-jobs", user_id=alice["id"])

    assert len(await list_items(admin, "/cron-jobs")) == 1
    assert (await admin.get("/cron-jobs", headers=make_user_headers(bob))).json()["items"] == []


async def test_service_token_cannot_change_roles_or_status(service: Client, make: Make) -> None:
    user = await make("users")

    for body in ({"role": "owner"}, {"status": "blocked"}, {"status": "active", "language": "ru"}):
        answer = await service.patch(
            f"/users/{user['id']}", json=body, headers=make_user_headers(user)
        )
        assert answer.status_code == 403
    body = {"language": "ru"}
    answer = await service.patch(f"/users/{user['id']}", json=body, headers=make_user_headers(user))
    assert (answer.status_code, answer.json()["language"]) == (200, "ru")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_is_case_insensitive(app: FastAPI, scheme: str) -> None:
    async with make_client(app, Authorization=f"{scheme} {SERVICE_TOKEN}") as http:
        assert (await http.get("/assistants")).status_code == 200


async def test_legacy_paths_still_work(admin: Client, make: Make) -> None:
    user = await make("users")
    job = await make("cron-jobs", user_id=user["id"])

    assert await list_items(admin, "/cronjobs/") == await list_items(admin, "/cron-jobs") == [job]
    assert (await admin.get(f"/cronjobs/{job['id']}")).json() == job
    assert (await admin.get("/assistants/")).status_code == 200


async def test_legacy_paths_are_not_documented(app: FastAPI) -> None:
    assert not [path for _, path in list_operations(app) if "cronjobs" in path or path[-1] == "/"]
