"""OpenAI's Responses API, used statelessly: OpenAI stores nothing, we send the whole history."""

from collections.abc import Iterator
from typing import Any

from smart_kit.contracts.base import JsonObject

from ....messages.item import encode_json
from .base import ModelCall, ModelProtocol
from .responses_parser import ResponsesStreamAccumulator, parse_response

_STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
_RENAMED_PARAMETERS = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
}
_NESTED_PARAMETERS = {
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
}
"""Parameters that are flat in Chat Completions."""


def _build_parameters(call: ModelCall) -> dict[str, Any]:
    shared = call.shared_parameters.items()
    return {_RENAMED_PARAMETERS.get(name, name): value for name, value in shared} | _STATELESS


def _build_body(call: ModelCall) -> str:
    prompt = call.request.prompt
    head = encode_json({"model": call.model.name, **_nest_parameters(call.parameters)})[:-1]
    tools = f'"tools":{prompt.responses_tools},' if call.has_tools else ""
    given = encode_json(list(_build_input(call)))
    return f'{head},"instructions":{prompt.instructions_json},{tools}"input":{given}}}'


def _nest_parameters(parameters: Any) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in _NESTED_PARAMETERS:
            nested[name] = nested.get(name, {}) | value if isinstance(value, dict) else value
            continue
        outer, inner = _NESTED_PARAMETERS[name]
        nested[outer] = {inner: value} | nested.get(outer, {})
    return nested


def _build_input(call: ModelCall) -> Iterator[JsonObject]:
    """Yield the input items. The model's own output goes back unchanged and in its order, and each
    result gets the id that the model gave to the call."""
    their_ids: dict[str, str] = {}
    for item in call.items:
        extras = call.get_extras(item)
        if "output" in extras:
            their_ids |= extras["ids"]
            yield from extras["output"]
        else:
            yield from _to_input_items(item.message, their_ids)


def _to_input_items(message: JsonObject, their_ids: dict[str, str]) -> Iterator[JsonObject]:
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        call_id = their_ids.get(call_id, call_id)
        yield {"type": "function_call_output", "call_id": call_id, "output": message["content"]}
        return
    if message.get("content"):
        yield {"role": message["role"], "content": message["content"]}
    for call in message.get("tool_calls", ()):
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}


RESPONSES = ModelProtocol(
    path="/responses",
    extras_names=("output",),
    build_parameters=_build_parameters,
    build_body=_build_body,
    parse_response=parse_response,
    create_accumulator=ResponsesStreamAccumulator,
)
