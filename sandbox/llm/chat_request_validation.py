"""A Chat Completions request, checked as OpenAI checks it. Unknown parameters are accepted."""

import json
import re
from typing import Any

from sandbox.llm.errors import OpenAiError

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
FUNCTION_NAME_PATTERN = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TYPE_NAMES = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}


def validate_chat_request(body: Any) -> dict[str, Any]:
    """The body, if it is sound. Raises ApiError with OpenAI's words."""
    if not isinstance(body, dict):
        raise OpenAiError("We could not parse the JSON body of your request. It must be an object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise OpenAiError("you must provide a model parameter")
    messages = _require_array(body, "messages", "an array of objects")
    if not messages:
        raise OpenAiError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    for index, message in enumerate(messages):
        _validate_message(message, f"messages[{index}]")
    _validate_tool_messages(messages)
    if body.get("tools") is not None:
        _validate_tools(_require_array(body, "tools", "an array of objects"))
    if body.get("stream_options") is not None and not body.get("stream"):
        raise OpenAiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return body


def _require_array(body: dict[str, Any], name: str, expected: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        raise OpenAiError(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    if not isinstance(value, list):
        raise invalid_type_error(name, expected, value)
    return value


def invalid_type_error(param: str, expected: str, value: Any) -> OpenAiError:
    """What to raise where a parameter is no such thing."""
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
        raise OpenAiError(
            f"Missing required parameter: '{where}.role'.",
            param=f"{where}.role",
            code="missing_required_parameter",
        )
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
        raise OpenAiError(
            f"Missing required parameter: '{where}.function'.",
            param=f"{where}.function",
            code="missing_required_parameter",
        )
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
    """Each tool message answers a call, and each call is answered before anything else."""
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
    if not tools:
        raise OpenAiError(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            param="tools",
            code="empty_array",
        )
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            raise OpenAiError(
                f"Missing required parameter: '{where}.function'.",
                param=f"{where}.function",
                code="missing_required_parameter",
            )
        name = tool["function"].get("name")
        if not isinstance(name, str) or not FUNCTION_NAME_PATTERN.fullmatch(name):
            raise OpenAiError(
                f"Invalid '{where}.function.name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                param=f"{where}.function.name",
                code="invalid_value",
            )
