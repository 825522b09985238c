from uuid import UUID

import pytest

from rest_service.tests.api_helpers import Client

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/tasks", "GET, POST"),
        ("POST", f"/tasks/{ID}", "DELETE, GET, PATCH, PUT"),
        ("OPTIONS", f"/assistants/{ID}/tools/{ID}", "DELETE, POST"),
        ("PATCH", "/users/by-telegram-id/7", "GET, PUT"),
        ("PUT", "/cron-jobs/claim", "POST"),
        ("GET", "/cronjobs/dispatched/", "POST"),
        ("GET", "/effects/undo", "POST"),
        ("PUT", "/dead-letters/to_telegram:1-0", "DELETE, GET"),
    ],
)
async def test_method_not_allowed_lists_allowed_methods(
    admin: Client, method: str, path: str, allowed: str
) -> None:
    """A literal path is never taken for an id."""
    answer = await admin.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["error"] == "method_not_allowed"
    assert answer.json()["detail"].startswith(f"{method} is not possible at /api/")


async def test_unknown_path_has_no_allow_header(admin: Client) -> None:
    answer = await admin.delete("/nothing")

    assert answer.status_code == 404
    assert "allow" not in answer.headers
