"""Validation of Chat Completions requests with OpenAI's errors; unknown parameters pass."""

import json
import re
from typing import Any

from sandbox.llm.errors import OpenAiError

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TYPE_NAMES = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}


def validate_chat_request(body: Any) -> dict[str, Any]:
    """Return the body of a valid request. Raises OpenAiError with OpenAI's error text."""
    if not isinstance(body, dict):
        raise OpenAiError("We could not parse the JSON body of your request. It must be an object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise OpenAiError("you must provide a model parameter")
    messages = _require_array(body, "messages")
    for index, message in enumerate(messages):
        _validate_message(message, f"messages[{index}]")
    _validate_tool_messages(messages)
    if body.get("tools") is not None:
        _validate_tools(_require_array(body, "tools"))
    if body.get("stream_options") is not None and not body.get("stream"):
        raise OpenAiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return body


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
            param=name,
            code="empty_array",
        )
    return value


def missing_parameter_error(name: str) -> OpenAiError:
    """Build the error for a required parameter that is missing."""
    return OpenAiError(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def validate_function_name(name: Any, where: str) -> None:
    """Raise OpenAiError for a name that is not 1 to 64 letters, digits, dashes or underscores."""
    if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
        raise OpenAiError(
            f"Invalid '{where}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            param=where,
            code="invalid_value",
        )


def invalid_type_error(param: str, expected: str, value: Any) -> OpenAiError:
    """Build the error for a parameter of the wrong type."""
    kind = _TYPE_NAMES.get(type(value), "null" if value is None else "a number")
    return OpenAiError(
        f"Invalid type for '{param}': expected {expected}, but got {kind} instead.",
        param=param,
        code="invalid_type",
    )


def _validate_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise invalid_type_error(where, "an object", message)
    role = message.get("role")
    if role is None:
        raise missing_parameter_error(f"{where}.role")
    if role not in ROLES:
        quoted = [f"'{one}'" for one in ROLES]
        raise OpenAiError(
            f"Invalid value: '{role}'. Supported values are: "
            f"{', '.join(quoted[:-1])}, and {quoted[-1]}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    content = message.get("content")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        raise OpenAiError(
            f"Invalid value for 'content': expected a string, got null. ({where}.content)",
            param=f"{where}.content",
        )
    if not isinstance(content, str | list | None):
        raise invalid_type_error(f"{where}.content", "one of a string or array of objects", content)
    for index, call in enumerate(message.get("tool_calls") or ()):
        _validate_call(call, f"{where}.tool_calls[{index}]")


def _validate_call(call: Any, where: str) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(call.get("id"), str):
        raise missing_parameter_error(f"{where}.function")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise invalid_type_error(f"{where}.function.arguments", "a string", arguments)
    try:
        json.loads(arguments)
    except ValueError as error:
        raise OpenAiError(
            f"Invalid '{where}.function.arguments': it is not valid JSON.",
            param=f"{where}.function.arguments",
        ) from error


def _validate_tool_messages(messages: list[dict[str, Any]]) -> None:
    """Check that every tool call is answered by tool messages directly after it."""
    pending_ids: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in pending_ids:
                raise OpenAiError(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            pending_ids.remove(message["tool_call_id"])
            continue
        _require_no_pending(pending_ids, index)
        pending_ids = [call["id"] for call in message.get("tool_calls") or ()]
    _require_no_pending(pending_ids, len(messages))


def _require_no_pending(pending_ids: list[str], index: int) -> None:
    if pending_ids:
        raise OpenAiError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(pending_ids),
            param=f"messages.[{index}].role",
        )


def _validate_tools(tools: list[Any]) -> None:
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            raise OpenAiError(
                f"Missing required parameter: '{where}.function'.",
                param=f"{where}.function",
                code="missing_required_parameter",
            )
        validate_function_name(tool["function"].get("name"), f"{where}.function.name")
