"""The Chat Completions API, which all servers have."""

import json
from collections.abc import Collection
from typing import Any

from smart_kit.contracts.base import JsonObject

from ....messages.item import ChatItem, encode_json
from ..provider_extras import DEFAULT_EXTRAS
from ..request import ModelRequest
from ..request_adaptation import RequestAdaptation
from ..resolved_model import ResolvedModel
from .base import ModelCall, ParsedResponse
from .chat_parser import parse_response
from .chat_stream import ChatStreamAccumulator

_ASSISTANT_PREFIX = '{"role":"assistant"'


class ChatCompletionsProtocol:
    """See ModelProtocol."""

    path = "/chat/completions"
    extras_names = ("keys", "calls")

    def build_parameters(self, request: ModelRequest, model: ResolvedModel) -> dict[str, Any]:
        """See ModelProtocol."""
        parameters = model.merge_parameters(request.overrides)
        if (
            "tools" in model.capabilities
            and request.prompt.functions
            and not request.may_call_tools
        ):
            parameters["tool_choice"] = "none"
        if "streaming" in model.capabilities:
            parameters |= {"stream": True, "stream_options": {"include_usage": True}}
        return parameters

    def build_body(self, call: ModelCall) -> str:
        """See ModelProtocol. The system message comes first, then the stored items."""
        prompt = call.request.prompt
        head = encode_json({"model": call.model.name, **call.parameters})[:-1]
        tools = f'"tools":{prompt.chat_tools},' if call.has_tools else ""
        messages = [prompt.system_message, *(_render_item(item, call) for item in call.items)]
        return f'{head},{tools}"messages":[{",".join(messages)}]}}'

    def parse_response(self, body: object, key: str) -> ParsedResponse:
        """See ModelProtocol."""
        return parse_response(body, key)

    def create_accumulator(self) -> ChatStreamAccumulator:
        """See ModelProtocol."""
        return ChatStreamAccumulator()


def _render_item(item: ChatItem, call: ModelCall) -> str:
    plain = item.json_without_extras
    if not plain.startswith(_ASSISTANT_PREFIX):
        return plain
    extras, default_extras = call.get_extras(item), _find_missing_extras(plain, call.adaptation)
    if default_extras or not extras.keys().isdisjoint(ChatCompletionsProtocol.extras_names):
        return encode_json(
            _add_extras(plain, extras, default_extras, call.adaptation.refused_extras)
        )
    return plain


def _find_missing_extras(plain: str, adaptation: RequestAdaptation) -> JsonObject:
    """Return the extras, by name, that this model requires in an assistant's message."""
    is_calling = '"tool_calls":' in plain
    return {
        name: DEFAULT_EXTRAS[name]
        for name, is_at_all in adaptation.default_extras.items()
        if is_at_all or is_calling
    }


def _add_extras(
    plain: str, extras: JsonObject, default_extras: JsonObject, refused: Collection[str]
) -> JsonObject:
    """Return the message as its model wrote it, with the default extras that it still lacks."""
    message: JsonObject = json.loads(plain)
    message |= _drop_refused(extras.get("keys", {}), refused)
    if calls := extras.get("calls"):
        message["tool_calls"] = [
            {**call, **_drop_refused(more, refused)}
            for call, more in zip(message["tool_calls"], calls, strict=True)
        ]
    for fill in default_extras.values():
        message = fill.get("keys", {}) | message
        more = fill.get("call", {})
        called = message.get("tool_calls", ())
        if more and called and all(call.keys().isdisjoint(more) for call in called):
            message["tool_calls"] = [{**call, **more} for call in called]
    return message


def _drop_refused(extras: JsonObject, refused: Collection[str]) -> JsonObject:
    return {key: value for key, value in extras.items() if key not in refused}
