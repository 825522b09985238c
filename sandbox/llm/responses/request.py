"""A Responses request, checked as OpenAI checks it."""

from typing import Any

from sandbox.llm.errors import ApiError
from sandbox.llm.request import FUNCTION_NAME, wrong_type
from sandbox.llm.responses.reasoning import Item, check_thoughts

FEWEST_TOKENS = 16
_NAMES = """
    access_programs background context_management conversation image include input instructions
    max_output_tokens
    max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt
    prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier
    service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p
    truncation user
"""
PARAMETERS = frozenset(_NAMES.split())
_MOVED = {"messages": "input", "max_tokens": "max_output_tokens", "response_format": "text.format"}
_REQUIRED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": ("id", "summary"),
}


def check_response_request(body: Any) -> dict[str, Any]:
    """The body with its input as a list of items. Raises ApiError with OpenAI's words."""
    if not isinstance(body, dict):
        raise ApiError("We could not parse the JSON body of your request. It must be an object.")
    _check_parameters(body)
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        raise wrong_type("input", "one of a string or array of input items", items)
    items = [_checked_item(item, f"input[{index}]") for index, item in enumerate(items)]
    _check_pairs(items)
    check_thoughts(body["model"], items)
    for index, tool in enumerate(body.get("tools") or ()):
        _check_tool(tool, f"tools[{index}]")
    return body | {"input": items}


def _check_parameters(body: dict[str, Any]) -> None:
    for name in body.keys() - PARAMETERS:
        if name in _MOVED:
            raise ApiError(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved "
                f"to '{_MOVED[name]}'.",
                param=name,
                code="unsupported_parameter",
            )
        raise ApiError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    for name in ("model", "input"):
        if not body.get(name):
            raise _missing(name)
    if named := body.get("previous_response_id") or body.get("conversation"):
        raise ApiError(
            f"'{named}' not found: the sandbox keeps no responses and no conversations.",
            status=404,
            param="previous_response_id" if body.get("previous_response_id") else "conversation",
            code="previous_response_not_found",
        )
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < FEWEST_TOKENS:
        raise ApiError(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= "
            f"{FEWEST_TOKENS}, but got {limit} instead.",
            param="max_output_tokens",
            code="integer_below_min_value",
        )


def _missing(name: str) -> ApiError:
    return ApiError(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def _checked_item(item: Any, where: str) -> Item:
    if not isinstance(item, dict):
        raise wrong_type(where, "an object", item)
    kind = item.get("type") or "message"
    if kind not in _REQUIRED:
        raise ApiError(
            f"Invalid value: '{kind}'. Supported values are: {', '.join(map(repr, _REQUIRED))}.",
            param=f"{where}.type",
            code="invalid_value",
        )
    for name in _REQUIRED[kind]:
        if item.get(name) is None:
            raise _missing(f"{where}.{name}")
    if kind == "function_call" and not isinstance(item["arguments"], str):
        raise wrong_type(f"{where}.arguments", "a string", item["arguments"])
    return {**item, "type": kind}


def _check_pairs(items: list[Item]) -> None:
    """Each call has its output after it, each output its call before it."""
    called: set[str] = set()
    waiting: set[str] = set()
    for item in items:
        call_id = item.get("call_id")
        if item["type"] == "function_call":
            called.add(item["call_id"])
            waiting.add(item["call_id"])
        elif item["type"] == "function_call_output":
            if call_id not in called:
                raise ApiError(
                    f"No tool call found for function call output with call_id {call_id}.",
                    param="input",
                )
            waiting.discard(item["call_id"])
    if waiting:
        raise ApiError(f"No tool output found for function call {min(waiting)}.", param="input")


def _check_tool(tool: Any, where: str) -> None:
    if not isinstance(tool, dict):
        raise wrong_type(where, "an object", tool)
    if tool.get("type") != "function":
        raise ApiError(
            f"Invalid value: '{tool.get('type')}'. The sandbox has only functions.",
            param=f"{where}.type",
            code="invalid_value",
        )
    if tool.get("name") is None:
        raise _missing(f"{where}.name")
    if not isinstance(tool["name"], str) or not FUNCTION_NAME.fullmatch(tool["name"]):
        raise ApiError(
            f"Invalid '{where}.name': string does not match pattern. Expected a string that "
            "matches the pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"{where}.name",
            code="invalid_value",
        )
