"""The Chat Completions API, which all servers have."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import JsonObject

from ....core.errors import EmptyResponse, MalformedResponse
from ....messages.item import ChatItem, encode_json
from ..request_adaptation import DEFAULT_EXTRAS
from ..response_parsing import (
    LenientText,
    is_too_deep,
    parse_token_usage,
    parse_tool_calls,
    repair_surrogates,
    to_text,
)
from ..transport.error_responses import describe_shape
from .base import ModelCall, ModelProtocol, ParsedResponse
from .chat_stream import ChatStreamAccumulator

_ASSISTANT_PREFIX = '{"role":"assistant"'
_STANDARD_MESSAGE_KEYS = {"role", "content", "tool_calls", "refusal", "annotations", "audio"}
_STANDARD_CALL_KEYS = {"index", "id", "type", "function"}


def _build_parameters(call: ModelCall) -> dict[str, Any]:
    parameters = call.shared_parameters
    if call.is_streamed:
        parameters["stream_options"] = {"include_usage": True}
    return parameters


def _build_body(call: ModelCall) -> str:
    """Return the request; the system message comes first, then the stored items."""
    prompt = call.request.prompt
    head = encode_json({"model": call.model.name, **call.parameters})[:-1]
    tools = f'"tools":{prompt.chat_tools},' if call.has_tools else ""
    system = f'{{"role":"system","content":{prompt.instructions_json}}}'
    messages = [system, *(_render_item(item, call) for item in call.items)]
    return f'{head},{tools}"messages":[{",".join(messages)}]}}'


def _render_item(item: ChatItem, call: ModelCall) -> str:
    plain = item.json_without_extras
    if not plain.startswith(_ASSISTANT_PREFIX):
        return plain
    extras = call.get_extras(item)
    default_extras = [
        DEFAULT_EXTRAS[name]
        for name, is_in_all in call.adaptation.default_extras.items()
        if is_in_all or '"tool_calls":' in plain
    ]
    if not default_extras and extras.keys().isdisjoint(call.protocol.extras_names):
        return plain
    return encode_json(_add_extras(plain, extras, default_extras, call.adaptation.refused_extras))


def _add_extras(
    plain: str, extras: JsonObject, default_extras: Sequence[JsonObject], refused: Collection[str]
) -> JsonObject:
    """Return the message as its model wrote it, with the default extras that it still lacks."""
    message: JsonObject = json.loads(plain)
    message |= _drop_refused(extras.get("keys", {}), refused)
    if calls := extras.get("calls"):
        message["tool_calls"] = [
            {**call, **_drop_refused(more, refused)}
            for call, more in zip(message["tool_calls"], calls, strict=True)
        ]
    for fill in default_extras:
        message = fill.get("keys", {}) | message
        more = fill.get("call", {})
        called = message.get("tool_calls", ())
        if more and called and all(call.keys().isdisjoint(more) for call in called):
            message["tool_calls"] = [{**call, **more} for call in called]
    return message


def _drop_refused(extras: JsonObject, refused: Collection[str]) -> JsonObject:
    return {key: value for key, value in extras.items() if key not in refused}


class _Function(BaseModel):
    name: LenientText = ""
    arguments: Any = None


class _ToolCall(BaseModel):
    function: _Function | None = None


class _Message(BaseModel):
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    finish_reason: LenientText = ""


class _ResponseBody(BaseModel):
    choices: list[_Choice] | None = None


def _parse_response(body: object, key: str) -> ParsedResponse:
    tokens = parse_token_usage(body)
    try:
        parsed = _ResponseBody.model_validate(body)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False)
        reason = f"The answer is malformed: {errors[0]['loc']}"
        raise MalformedResponse(reason, tokens=tokens) from error
    choice = parsed.choices[0] if parsed.choices else None
    if choice is None or choice.message is None:
        raise MalformedResponse(f"The answer has no message: {describe_shape(body)}", tokens=tokens)
    assert isinstance(body, dict)
    raw = body["choices"][0]["message"]
    if is_too_deep(raw):
        raise MalformedResponse("The answer is nested too deeply", tokens=tokens)
    raw = repair_surrogates(raw)
    text = to_text(raw.get("content")) or to_text(raw.get("refusal"))
    reason = choice.finish_reason
    functions = [call.function or _Function() for call in choice.message.tool_calls or ()]
    called = ((function.name, function.arguments) for function in functions)
    calls = parse_tool_calls(key, called, is_truncated=reason == "length")
    if not calls and not text.strip():
        error_message = f"The model said nothing: finish_reason {reason!r}"
        raise EmptyResponse(error_message, tokens=tokens, is_filtered=reason == "content_filter")
    return ParsedResponse(
        text=text,
        calls=calls,
        extras=_collect_extras(raw, len(calls)),
        tokens=parse_token_usage(body, is_completion=True),
        finish_reason=reason,
    )


def _collect_extras(raw: JsonObject, calls: int) -> JsonObject:
    """Return the provider's extras, which it may require in later requests."""
    extras: JsonObject = {}
    if keys := _drop_standard_keys(raw, _STANDARD_MESSAGE_KEYS):
        extras["keys"] = keys
    call_extras = [
        _drop_standard_keys(call, _STANDARD_CALL_KEYS)
        for call in (raw.get("tool_calls") or [])[:calls]
    ]
    if any(call_extras):
        extras["calls"] = call_extras
    return extras


def _drop_standard_keys(raw: JsonObject, standard: set[str]) -> JsonObject:
    return {
        key: value
        for key, value in raw.items()
        if key not in standard and value is not None and value != []
    }


CHAT_COMPLETIONS = ModelProtocol(
    path="/chat/completions",
    extras_names=("keys", "calls"),
    build_parameters=_build_parameters,
    build_body=_build_body,
    parse_response=_parse_response,
    create_accumulator=ChatStreamAccumulator,
)
