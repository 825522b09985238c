"""Validation of Responses requests with OpenAI's errors."""

from typing import Any

from sandbox.llm.chat_request_validation import validate_function_name
from sandbox.llm.errors import OpenAiError, invalid_type_error, missing_parameter_error
from sandbox.llm.responses.reasoning import ResponseItem, validate_reasoning

MIN_OUTPUT_TOKENS = 16
_PARAMETER_NAMES = """
    access_programs background context_management conversation image include input instructions
    max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
    previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention
    reasoning safety_identifier service_tier store stream stream_options temperature text
    tool_choice tools top_logprobs top_p truncation user
"""
PARAMETERS = frozenset(_PARAMETER_NAMES.split())
_MOVED_PARAMETERS = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
}
_REQUIRED_FIELDS = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": ("id", "summary"),
}


def validate_responses_request(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its input as a list of items. Raises OpenAiError."""
    _validate_parameters(body)
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        raise invalid_type_error("input", "one of a string or array of input items", items)
    items = [_validate_item(item, f"input[{index}]") for index, item in enumerate(items)]
    _validate_call_pairs(items)
    validate_reasoning(body["model"], items)
    for index, tool in enumerate(body.get("tools") or ()):
        _validate_tool(tool, f"tools[{index}]")
    return body | {"input": items}


def _validate_parameters(body: dict[str, Any]) -> None:
    for name in body.keys() - PARAMETERS:
        if name in _MOVED_PARAMETERS:
            raise OpenAiError(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved "
                f"to '{_MOVED_PARAMETERS[name]}'.",
                name,
                "unsupported_parameter",
            )
        raise OpenAiError(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    for name in ("model", "input"):
        if not body.get(name):
            raise missing_parameter_error(name)
    for name in ("previous_response_id", "conversation"):
        if body.get(name):
            raise OpenAiError(
                f"'{body[name]}' not found: the sandbox keeps no responses and no conversations.",
                name,
                "previous_response_not_found",
                status=404,
            )
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < MIN_OUTPUT_TOKENS:
        raise OpenAiError(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{MIN_OUTPUT_TOKENS}, but got {limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )


def _validate_item(item: Any, where: str) -> ResponseItem:
    if not isinstance(item, dict):
        raise invalid_type_error(where, "an object", item)
    kind = item.get("type") or "message"
    if kind not in _REQUIRED_FIELDS:
        raise OpenAiError(
            f"Invalid value: '{kind}'."
            f" Supported values are: {', '.join(map(repr, _REQUIRED_FIELDS))}.",
            f"{where}.type",
            "invalid_value",
        )
    for name in _REQUIRED_FIELDS[kind]:
        if item.get(name) is None:
            raise missing_parameter_error(f"{where}.{name}")
    if kind == "function_call" and not isinstance(item["arguments"], str):
        raise invalid_type_error(f"{where}.arguments", "a string", item["arguments"])
    return {**item, "type": kind}


def _validate_call_pairs(items: list[ResponseItem]) -> None:
    """Check that every call has an output after it, and every output a call before it."""
    call_ids: set[str] = set()
    pending_ids: set[str] = set()
    for item in items:
        if item["type"] == "function_call":
            call_ids.add(item["call_id"])
            pending_ids.add(item["call_id"])
        elif item["type"] == "function_call_output":
            call_id = item["call_id"]
            if call_id not in call_ids:
                message = f"No tool call found for function call output with call_id {call_id}."
                raise OpenAiError(message, "input")
            pending_ids.discard(call_id)
    if pending_ids:
        raise OpenAiError(f"No tool output found for function call {min(pending_ids)}.", "input")


def _validate_tool(tool: Any, where: str) -> None:
    if not isinstance(tool, dict):
        raise invalid_type_error(where, "an object", tool)
    if tool.get("type") != "function":
        message = f"Invalid value: '{tool.get('type')}'. The sandbox has only functions."
        raise OpenAiError(message, f"{where}.type", "invalid_value")
    if tool.get("name") is None:
        raise missing_parameter_error(f"{where}.name")
    validate_function_name(tool["name"], f"{where}.name")
