"""The lists behind `/`."""

import re
from typing import Any

from sandbox.telegram.call import Call, Method
from sandbox.telegram.errors import bad_request
from sandbox.telegram.state.commands import Command, chat_scope

MAX_COMMANDS = 100
MAX_DESCRIPTION = 256
_COMMAND = re.compile(r"/?([a-z0-9_]{1,32})")
_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")


async def set_my_commands(call: Call) -> bool:
    """Replaces the list of a scope and language."""
    given = call.parameters.json("commands", "commands JSON object")
    if not isinstance(given, list):
        raise bad_request("expected an Array of BotCommand")
    if len(given) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    commands = [_command(one) for one in given]
    call.world.commands.set(_scope(call), _language(call), commands)
    call.world.tell_of_bot()
    return True


def _command(given: Any) -> Command:
    if not isinstance(given, dict):
        raise bad_request("expected an Object as BotCommand")
    found = _COMMAND.fullmatch(str(given.get("command") or ""))
    if found is None:
        raise bad_request("BOT_COMMAND_INVALID")
    description = str(given.get("description") or "").strip()
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": found[1], "description": description}


def _scope(call: Call) -> str:
    given = call.parameters.json("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(given, dict):
        raise bad_request("expected an Object as BotCommandScope")
    kind = given.get("type")
    if kind in _SCOPES:
        return str(kind)
    if kind not in _CHAT_SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    if kind != "chat":
        raise bad_request("chat not found")
    return chat_scope(given.get("chat_id"))


def _language(call: Call) -> str:
    language = call.parameters.text("language_code")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise bad_request("LANG_CODE_INVALID")
    return language


async def get_my_commands(call: Call) -> list[Command]:
    """Exactly the list of this scope and language."""
    return call.world.commands.get(_scope(call), _language(call))


async def delete_my_commands(call: Call) -> bool:
    """Then the next wider scope applies."""
    call.world.commands.delete(_scope(call), _language(call))
    call.world.tell_of_bot()
    return True


METHODS = (
    Method("setMyCommands", ("commands", "scope", "language_code"), set_my_commands),
    Method("getMyCommands", ("scope", "language_code"), get_my_commands),
    Method("deleteMyCommands", ("scope", "language_code"), delete_my_commands),
)
