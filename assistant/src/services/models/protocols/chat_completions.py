"""The Chat Completions API, which all servers have."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from smart_kit.contracts.base import JsonObject

from ....messages.item import ChatItem, encode_json
from ..request_adaptation import DEFAULT_EXTRAS
from .base import ModelCall, ModelProtocol
from .chat_parser import parse_response
from .chat_stream import ChatStreamAccumulator

_ASSISTANT_PREFIX = '{"role":"assistant"'


def _build_parameters(call: ModelCall) -> dict[str, Any]:
    parameters = call.shared_parameters
    if "streaming" in call.model.capabilities:
        parameters["stream_options"] = {"include_usage": True}
    return parameters


def _build_body(call: ModelCall) -> str:
    """Return the request; the system message comes first, then the stored items."""
    prompt = call.request.prompt
    head = encode_json({"model": call.model.name, **call.parameters})[:-1]
    tools = f'"tools":{prompt.chat_tools},' if call.has_tools else ""
    messages = [prompt.system_message, *(_render_item(item, call) for item in call.items)]
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


CHAT_COMPLETIONS = ModelProtocol(
    path="/chat/completions",
    extras_names=("keys", "calls"),
    build_parameters=_build_parameters,
    build_body=_build_body,
    parse_response=parse_response,
    create_accumulator=ChatStreamAccumulator,
)
