"""The bot's command lists, by scope and language."""

from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, BOB, BotApiRefused, SandboxHarness

ENGLISH = [{"command": "help", "description": "Help"}]
RUSSIAN = [{"command": "help", "description": "Помощь"}]
PRIVATE = [{"command": "new", "description": "New"}]


async def _list_commands(sandbox: SandboxHarness, person: int) -> list[dict[str, str]]:
    items: list[dict[str, str]] = (await sandbox.call_chat_api("GET", f"/chat/{person}/commands"))[
        "items"
    ]
    return items


async def test_commands_are_shown_in_the_language_of_the_person(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("setMyCommands", commands=ENGLISH)
    await sandbox.call_bot_api("setMyCommands", commands=RUSSIAN, language_code="ru")
    assert await _list_commands(sandbox, ALICE) == ENGLISH
    assert await _list_commands(sandbox, BOB) == RUSSIAN
    assert await sandbox.call_bot_api("getMyCommands", language_code="ru") == RUSSIAN
    await sandbox.call_bot_api("deleteMyCommands", language_code="ru")
    assert await _list_commands(sandbox, BOB) == ENGLISH


async def test_the_narrowest_scope_wins(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("setMyCommands", commands=ENGLISH)
    scope = {"type": "chat", "chat_id": BOB}
    await sandbox.call_bot_api("setMyCommands", commands=PRIVATE, scope=scope)
    assert await _list_commands(sandbox, BOB) == PRIVATE
    assert await _list_commands(sandbox, ALICE) == ENGLISH


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"commands": [{"command": "Help!", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "help"}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": ENGLISH * 101}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": ENGLISH, "language_code": "russian"}, "LANG_CODE_INVALID"),
        ({"commands": ENGLISH, "scope": {"type": "moon"}}, "can't parse BotCommandScope"),
        ({"commands": "help"}, "can't parse commands JSON object"),
    ],
)
async def test_invalid_commands_are_refused(
    sandbox: SandboxHarness, parameters: dict[str, Any], description: str
) -> None:
    with pytest.raises(BotApiRefused, match=description):
        await sandbox.call_bot_api("setMyCommands", **parameters)
