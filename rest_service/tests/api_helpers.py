"""Clients, headers and example bodies for tests of the API."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
from alembic.config import Config
from fastapi import FastAPI

ADMIN_TOKEN = "an-admin-token-for-tests"
SERVICE_TOKEN = "a-service-token-for-tests"
OWNER_TELEGRAM_ID = 4242
MASTER_KEYS = (f"{'bmV3ZXN0' * 5}bmU=", f"{'b2xkZXIh' * 5}b2w=")
"""Fernet keys, newest first."""
ALLOWED_TELEGRAM_IDS = range(1001, 1100)
"""Telegram ids that may talk; those of example users are among them."""

Client = httpx2.AsyncClient
JsonObject = dict[str, Any]
Make = Callable[..., Awaitable[JsonObject]]
Sql = Callable[[str], Awaitable[list[tuple[Any, ...]]]]


def alembic_config(url: str) -> Config:
    config = Config(Path(__file__).parents[1] / "alembic.ini")
    config.attributes["database_url"] = url
    return config


def make_client(app: FastAPI, **headers: str) -> Client:
    transport = httpx2.ASGITransport(app)
    return Client(transport=transport, base_url="http://rest/api", headers=headers)


def make_user_headers(user: JsonObject, key: str | None = None) -> dict[str, str]:
    """Return the headers of a call for a user, with an Idempotency-Key if given."""
    return {"X-User-Id": user["id"]} | ({"Idempotency-Key": key} if key else {})


async def make_user_in(admin: Client, make: Make, timezone: str) -> JsonObject:
    """Create a user who has chosen a time zone."""
    user = await make("users")
    answer = await admin.patch(f"/users/{user['id']}", json={"timezone": timezone})
    changed: JsonObject = answer.raise_for_status().json()
    return changed


def make_example(resource: str, number: int) -> JsonObject:
    """Return a valid body of a new record."""
    examples: dict[str, JsonObject] = {
        "assistants": {"name": f"Assistant {number}", "instructions": "Help."},
        "tools": {"name": f"clock_{number}", "tool_type": "time", "description": "The time."},
        "users": {"telegram_id": 1000 + number, "first_name": f"Person {number}"},
        "tasks": {"title": f"Task {number}"},
        "calendar": {
            "title": f"Event {number}",
            "starts_at": "2031-01-01T09:00Z",
            "ends_at": "2031-01-01T10:00Z",
        },
        "providers": {"name": f"Provider {number}", "base_url": "https://models.example/v1"},
        "models": {"provider_model_name": f"model-{number}"},
        "secrets": {
            "name": f"key_{number}",
            "origin": "https://api.example",
            "value": "a-value-of-no-worth",
        },
        "cron-jobs": {"text": f"Job {number}", "cron_expression": "0 9 * * *"},
    }
    return examples.get(resource, {})


async def list_items(http: Client, path: str, **params: Any) -> list[JsonObject]:
    """Return the items of a list."""
    answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    items: list[JsonObject] = answer.json()["items"]
    return items
