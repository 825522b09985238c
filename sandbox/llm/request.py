"""A Chat Completions request, checked as OpenAI checks it. Unknown parameters are accepted."""

import json
import re
from typing import Any

from sandbox.llm.errors import ApiError

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS = {list: "an array", dict: "an object", str: "a string", bool: "a boolean"}


def check_request(body: Any) -> dict[str, Any]:
    """The body, if it is sound. Raises ApiError with OpenAI's words."""
    if not isinstance(body, dict):
        raise ApiError("We could not parse the JSON body of your request. It must be an object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise ApiError("you must provide a model parameter")
    messages = _array(body, "messages", "an array of objects")
    if not messages:
        raise ApiError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]")
    _check_tool_messages(messages)
    if body.get("tools") is not None:
        _check_tools(_array(body, "tools", "an array of objects"))
    if body.get("stream_options") is not None and not body.get("stream"):
        raise ApiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return body


def _array(body: dict[str, Any], name: str, expected: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        raise ApiError(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    if not isinstance(value, list):
        raise wrong_type(name, expected, value)
    return value


def wrong_type(param: str, expected: str, value: Any) -> ApiError:
    """What to raise where a parameter is no such thing."""
    kind = _KINDS.get(type(value), "null" if value is None else "a number")
    return ApiError(
        f"Invalid type for '{param}': expected {expected}, but got {kind} instead.",
        param=param,
        code="invalid_type",
    )


def _check_message(message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise wrong_type(where, "an object", message)
    role = message.get("role")
    if role is None:
        raise ApiError(
            f"Missing required parameter: '{where}.role'.",
            param=f"{where}.role",
            code="missing_required_parameter",
        )
    if role not in ROLES:
        quoted = [f"'{one}'" for one in ROLES]
        raise ApiError(
            f"Invalid value: '{role}'. Supported values are: "
            f"{', '.join(quoted[:-1])}, and {quoted[-1]}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    content = message.get("content")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        raise ApiError(
            f"Invalid value for 'content': expected a string, got null. ({where}.content)",
            param=f"{where}.content",
        )
    if not isinstance(content, str | list | None):
        raise wrong_type(f"{where}.content", "one of a string or array of objects", content)
    for index, call in enumerate(message.get("tool_calls") or ()):
        _check_call(call, f"{where}.tool_calls[{index}]")


def _check_call(call: Any, where: str) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(call.get("id"), str):
        raise ApiError(
            f"Missing required parameter: '{where}.function'.",
            param=f"{where}.function",
            code="missing_required_parameter",
        )
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise wrong_type(f"{where}.function.arguments", "a string", arguments)
    try:
        json.loads(arguments)
    except ValueError as error:
        raise ApiError(
            f"Invalid '{where}.function.arguments': it is not valid JSON.",
            param=f"{where}.function.arguments",
        ) from error


def _check_tool_messages(messages: list[dict[str, Any]]) -> None:
    """Each tool message answers a call, and each call is answered before anything else."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise ApiError(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.remove(message["tool_call_id"])
            continue
        _check_answered(waiting, index)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    _check_answered(waiting, len(messages))


def _check_answered(waiting: list[str], index: int) -> None:
    if waiting:
        raise ApiError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(waiting),
            param=f"messages.[{index}].role",
        )


def _check_tools(tools: list[Any]) -> None:
    if not tools:
        raise ApiError(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            param="tools",
            code="empty_array",
        )
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("function"), dict):
            raise ApiError(
                f"Missing required parameter: '{where}.function'.",
                param=f"{where}.function",
                code="missing_required_parameter",
            )
        name = tool["function"].get("name")
        if not isinstance(name, str) or not FUNCTION_NAME.fullmatch(name):
            raise ApiError(
                f"Invalid '{where}.function.name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                param=f"{where}.function.name",
                code="invalid_value",
            )
