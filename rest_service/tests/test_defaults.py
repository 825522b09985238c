import asyncio
import json
from functools import partial

import pytest
from sqlalchemy.exc import DBAPIError

from rest_service.app import defaults
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.defaults.env_models import register_env_models
from rest_service.app.snapshots import configuration
from rest_service.tests.api_helpers import Client, Make, list_items
from smart_kit.errors import ConfigurationError
from smart_kit.vault import Vault

MAX_REQUEST_BYTES = 8 * 1024


async def test_first_start_creates_secretary_with_tools_and_writer(
    sessions: SessionFactory, admin: Client
) -> None:
    assert await defaults.create(sessions) is True

    secretary, writer = await list_items(admin, "/assistants")
    assert (secretary["name"], secretary["is_secretary"], secretary["model"]) == (
        "Secretary",
        True,
        None,
    )
    assert writer["is_secretary"] is False
    tools = await list_items(admin, f"/assistants/{secretary['id']}/tools")
    assert [tool["name"] for tool in tools] == [
        "ask_writer",
        "cancel_reminder",
        "change_reminder",
        "change_settings",
        "change_task",
        "create_reminder",
        "create_task",
        "get_time",
        "get_weather",
        "list_reminders",
        "list_tasks",
    ]
    assert tools[0]["assistant_id"] == writer["id"]


async def test_later_starts_change_nothing(sessions: SessionFactory, admin: Client) -> None:
    await defaults.create(sessions)
    before = await list_items(admin, "/assistants")
    await admin.patch(f"/assistants/{before[0]['id']}", json={"name": "Jeeves"})

    assert await defaults.create(sessions) is False

    assert [item["name"] for item in await list_items(admin, "/assistants")] == ["Jeeves", "Writer"]


async def test_existing_assistant_prevents_defaults(
    sessions: SessionFactory, admin: Client, make: Make
) -> None:
    await make("assistants")

    assert await defaults.create(sessions) is False


async def test_concurrent_first_starts_create_defaults_once(
    sessions: SessionFactory, admin: Client
) -> None:
    made = await asyncio.gather(*(defaults.create(sessions) for _ in range(4)))

    assert sorted(made) == [False, False, False, True]
    assert len(await list_items(admin, "/assistants")) == 2


async def test_defaults_pass_the_checks_of_the_api(sessions: SessionFactory, admin: Client) -> None:
    await defaults.create(sessions)

    for path in ("/assistants", "/tools", "/assistant-tools"):
        for record in await list_items(admin, path):
            same = {"is_active": record["is_active"]}
            answer = await admin.patch(f"{path}/{record['id']}", json=same)
            assert answer.status_code == 200, answer.text


async def test_a_short_question_to_the_secretary_is_a_small_request(
    sessions: SessionFactory,
) -> None:
    await defaults.create(sessions)
    async with sessions() as session:
        secretary = (await configuration.build_snapshot(session, ())).assistants[0]

    request = {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": secretary.instructions},
            {"role": "user", "content": "[Sat 21 Nov 2026 12:00 Europe/Berlin] What time is it?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            }
            for tool in secretary.tools
        ],
    }
    assert len(json.dumps(request)) < MAX_REQUEST_BYTES * 9 / 10


@pytest.mark.parametrize("name", ["secretary.md", "writer.md"])
async def test_instructions_hold_no_clock(name: str) -> None:
    """Otherwise the prompt would differ each minute, and providers could not cache it."""
    text = defaults.load_instructions(name)

    assert "{" not in text
    assert "202" not in text


async def test_it_waits_for_the_stop_event_while_postgres_is_down() -> None:
    stop = asyncio.Event()

    def refuse_connection() -> None:
        stop.set()
        raise ConnectionRefusedError

    await asyncio.wait_for(defaults.create_with_retry(refuse_connection, stop), 60)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a\0b", "a" * 256, "a\udcffb"], ids=["NUL", "long", "no UTF-8"])
async def test_unstorable_defaults_are_not_retried(
    sessions: SessionFactory, settings: Settings, vault: Vault, name: str
) -> None:
    """The settings are built without validation, which would refuse these values."""
    bad = settings.model_copy(update={"default_model": name})
    waiting = defaults.create_with_retry(
        sessions, asyncio.Event(), partial(register_env_models, sessions, bad, vault)
    )

    with pytest.raises(ConfigurationError, match="DEFAULT_MODEL") as stopped:
        await asyncio.wait_for(waiting, 60)
    assert len(stopped.value.message.splitlines()) == 1


async def test_rejected_database_login_is_retried(sessions: SessionFactory) -> None:
    """The password may be corrected while the service waits."""

    class DriverError(Exception):
        sqlstate = "28P01"

    errors: list[Exception] = [DBAPIError(None, None, DriverError()), ConnectionRefusedError()]

    async def fail_twice() -> None:
        if errors:
            raise errors.pop()

    await asyncio.wait_for(defaults.create_with_retry(sessions, asyncio.Event(), fail_twice), 60)

    assert errors == []
