"""Validation of Chat Completions requests with OpenAI's errors; unknown parameters pass."""

import json
import re
from typing import Any

from sandbox.llm.errors import OpenAiError, invalid_type_error, missing_parameter_error

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def validate_chat_request(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a valid request. Raises OpenAiError with OpenAI's error text."""
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise OpenAiError("you must provide a model parameter")
    messages = _require_array(body, "messages")
    for index, message in enumerate(messages):
        _validate_message(message, f"messages[{index}]")
    _validate_tool_messages(messages)
    tools = [] if body.get("tools") is None else _require_array(body, "tools")
    for index, tool in enumerate(tools):
        where = f"tools[{index}].function"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            raise missing_parameter_error(where)
        validate_function_name(tool["function"].get("name"), f"{where}.name")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise OpenAiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    return body


def validate_function_name(name: Any, where: str) -> None:
    """Raise OpenAiError for a name that is not 1 to 64 letters, digits, dashes or underscores."""
    if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
        raise OpenAiError(
            f"Invalid '{where}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            where,
            "invalid_value",
        )


def _require_array(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        raise missing_parameter_error(name)
    if not isinstance(value, list):
        raise invalid_type_error(name, "an array of objects", value)
    if not value:
        raise OpenAiError(
            f"Invalid '{name}': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            name,
            "empty_array",
        )
    return value


def _validate_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise invalid_type_error(where, "an object", message)
    role, content = message.get("role"), message.get("content")
    if role is None:
        raise missing_parameter_error(f"{where}.role")
    if role not in _ROLES:
        *others, last = map(repr, _ROLES)
        raise OpenAiError(
            f"Invalid value: '{role}'. Supported values are: {', '.join(others)}, and {last}.",
            f"{where}.role",
            "invalid_value",
        )
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        raise OpenAiError(
            f"Invalid value for 'content': expected a string, got null. ({where}.content)",
            f"{where}.content",
        )
    if not isinstance(content, str | list | None):
        raise invalid_type_error(f"{where}.content", "one of a string or array of objects", content)
    for index, call in enumerate(message.get("tool_calls") or ()):
        _validate_call(call, f"{where}.tool_calls[{index}].function")


def _validate_call(call: Any, where: str) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(call.get("id"), str):
        raise missing_parameter_error(where)
    param, arguments = f"{where}.arguments", function.get("arguments")
    if not isinstance(arguments, str):
        raise invalid_type_error(param, "a string", arguments)
    try:
        json.loads(arguments)
    except ValueError as error:
        raise OpenAiError(f"Invalid '{param}': it is not valid JSON.", param) from error


def _validate_tool_messages(messages: list[dict[str, Any]]) -> None:
    """Check that every tool call is answered by tool messages directly after it."""
    pending_ids: list[str] = []
    for index, message in enumerate([*messages, {"role": "end"}]):
        param = f"messages.[{index}].role"
        if message["role"] == "tool":
            if message.get("tool_call_id") not in pending_ids:
                raise OpenAiError(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param,
                )
            pending_ids.remove(message["tool_call_id"])
            continue
        if pending_ids:
            raise OpenAiError(
                "An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. The following tool_call_ids did not have "
                f"response messages: {', '.join(pending_ids)}",
                param,
            )
        pending_ids = [call["id"] for call in message.get("tool_calls") or ()]
