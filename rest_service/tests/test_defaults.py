import asyncio
import json

import pytest

from rest_service.app import defaults
from rest_service.app.database import Sessions
from rest_service.app.snapshots import configuration
from rest_service.tests.api import Client, Make, listed

MAX_REQUEST_BYTES = 8 * 1024


async def test_a_first_start_makes_a_secretary_with_tools_and_a_writer(
    sessions: Sessions, admin: Client
) -> None:
    assert await defaults.create(sessions) is True

    secretary, writer = await listed(admin, "/assistants")
    assert (secretary["name"], secretary["is_secretary"], secretary["model"]) == (
        "Secretary",
        True,
        None,
    )
    assert writer["is_secretary"] is False
    tools = await listed(admin, f"/assistants/{secretary['id']}/tools")
    assert [tool["name"] for tool in tools] == ["ask_writer", "create_reminder", "get_time"]
    assert tools[0]["assistant_id"] == writer["id"]


async def test_later_starts_change_nothing(sessions: Sessions, admin: Client) -> None:
    await defaults.create(sessions)
    before = await listed(admin, "/assistants")
    await admin.patch(f"/assistants/{before[0]['id']}", json={"name": "Jeeves"})

    assert await defaults.create(sessions) is False

    assert [one["name"] for one in await listed(admin, "/assistants")] == ["Jeeves", "Writer"]


async def test_where_somebody_has_made_an_assistant_nothing_is_added(
    sessions: Sessions, admin: Client, make: Make
) -> None:
    await make("assistants")

    assert await defaults.create(sessions) is False


async def test_two_first_starts_at_once_make_one_set(sessions: Sessions, admin: Client) -> None:
    made = await asyncio.gather(*(defaults.create(sessions) for _ in range(4)))

    assert sorted(made) == [False, False, False, True]
    assert len(await listed(admin, "/assistants")) == 2


async def test_the_defaults_pass_the_checks_that_an_administrators_change_has_to_pass(
    sessions: Sessions, admin: Client
) -> None:
    await defaults.create(sessions)

    for path in ("/assistants", "/tools", "/assistant-tools"):
        for record in await listed(admin, path):
            same = {"is_active": record["is_active"]}
            answer = await admin.patch(f"{path}/{record['id']}", json=same)
            assert answer.status_code == 200, answer.text


async def test_a_short_question_to_the_secretary_is_a_small_request(sessions: Sessions) -> None:
    await defaults.create(sessions)
    async with sessions() as session:
        secretary = (await configuration.read(session)).assistants[0]

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
    assert len(json.dumps(request)) < MAX_REQUEST_BYTES / 2


@pytest.mark.parametrize("name", ["secretary.md", "writer.md"])
async def test_instructions_hold_no_clock(name: str) -> None:
    """Else each minute would have a prompt of its own, and no provider could cache it."""
    text = defaults.text_of(name)

    assert "{" not in text
    assert "202" not in text


async def test_it_waits_until_told_to_stop_while_postgres_is_away() -> None:
    stop = asyncio.Event()

    def away() -> None:
        stop.set()
        raise ConnectionRefusedError

    await asyncio.wait_for(defaults.create_when_possible(away, stop), 5)  # type: ignore[arg-type]
