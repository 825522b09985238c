"""Methods for the bot's command lists."""

import re
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.state.commands import BotCommand, chat_scope_key

MAX_COMMANDS = 100
MAX_DESCRIPTION_LENGTH = 256
_COMMAND = re.compile(r"/?([a-z0-9_]{1,32})")
_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")


async def set_my_commands(call: MethodCall) -> bool:
    """Replace the command list of a scope and language."""
    given = call.parameters.get_json("commands", "commands JSON object")
    if not isinstance(given, list):
        raise bad_request("expected an Array of BotCommand")
    if len(given) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    commands = [_parse_command(command) for command in given]
    call.state.commands.set(*_parse_scope_and_language(call), commands)
    call.state.event_bus.publish("bot", None, {})
    return True


async def get_my_commands(call: MethodCall) -> list[BotCommand]:
    """Return the command list of exactly this scope and language."""
    return call.state.commands.get(*_parse_scope_and_language(call))


async def delete_my_commands(call: MethodCall) -> bool:
    """Delete the command list of a scope and language; the next wider scope applies then."""
    call.state.commands.delete(*_parse_scope_and_language(call))
    call.state.event_bus.publish("bot", None, {})
    return True


def _parse_command(given: Any) -> BotCommand:
    if not isinstance(given, dict):
        raise bad_request("expected an Object as BotCommand")
    found = _COMMAND.fullmatch(str(given.get("command") or ""))
    if found is None:
        raise bad_request("BOT_COMMAND_INVALID")
    description = str(given.get("description") or "").strip()
    if not 1 <= len(description) <= MAX_DESCRIPTION_LENGTH:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": found[1], "description": description}


def _parse_scope_and_language(call: MethodCall) -> tuple[str, str]:
    """Return the scope and the language of a command list."""
    scope = _parse_scope(call)
    language = call.parameters.get_text("language_code")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise bad_request("LANG_CODE_INVALID")
    return scope, language


def _parse_scope(call: MethodCall) -> str:
    given = call.parameters.get_json("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(given, dict):
        raise bad_request("expected an Object as BotCommandScope")
    kind = given.get("type")
    if kind in _SCOPES:
        return str(kind)
    if kind not in _CHAT_SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    if kind != "chat":
        raise bad_request("chat not found")
    return chat_scope_key(given.get("chat_id"))
