"""Chat Completions: what all servers speak."""

import json
from collections.abc import Collection
from typing import Any

from smart_kit.contracts.base import JsonObject

from ...messages.item import Item, encode
from .api import Answer, Asking
from .chat_answer import read_answer
from .chat_stream import ChatStream
from .extras import FILLS
from .parameters import Learnt
from .request import ModelRequest
from .served import ServedModel

_OF_OTHERS = ('{"role":"user"', '{"role":"tool"')
_OF_MODELS = '{"role":"assistant"'


class ChatCompletions:
    """See Api."""

    path = "/chat/completions"
    additions = ("keys", "calls")

    def wanted(self, request: ModelRequest, model: ServedModel) -> dict[str, Any]:
        """See Api."""
        wanted = model.wanted(request.overrides)
        if "tools" in model.capabilities and request.prompt.functions and not request.may_call:
            wanted["tool_choice"] = "none"
        if "streaming" in model.capabilities:
            wanted |= {"stream": True, "stream_options": {"include_usage": True}}
        return wanted

    def body(self, asking: Asking) -> str:
        """See Api: the instructions first, then the items as they were sent before."""
        prompt = asking.request.prompt
        head = encode({"model": asking.model.name, **asking.sent})[:-1]
        tools = f'"tools":{prompt.tools},' if asking.has_tools else ""
        messages = [prompt.system, *(_sent(item, asking) for item in asking.items)]
        return f'{head},{tools}"messages":[{",".join(messages)}]}}'

    def read(self, body: object, key: str) -> Answer:
        """See Api."""
        return read_answer(body, key)

    def assembly(self) -> ChatStream:
        """See Api."""
        return ChatStream()


def _sent(item: Item, asking: Asking) -> str:
    is_of_others = item.json.startswith(_OF_OTHERS)
    is_marked = is_of_others or item.plain is not item.json
    own = {} if is_of_others else asking.own(item)
    fills = {} if is_of_others else _missed(item, asking.learnt)
    if fills or not own.keys().isdisjoint(ChatCompletions.additions):
        return encode(_dressed(item, own, fills, asking.learnt.refused))
    return item.plain if is_marked else item.bare


def _missed(item: Item, learnt: Learnt) -> JsonObject:
    """What this model misses at a message of another one; empty: nothing."""
    if not learnt.fills or not item.plain.startswith(_OF_MODELS):
        return {}
    is_calling = '"tool_calls":' in item.plain
    return {
        name: FILLS[name] for name, is_at_all in learnt.fills.items() if is_at_all or is_calling
    }


def _dressed(
    item: Item, own: JsonObject, fills: JsonObject, refused: Collection[str]
) -> JsonObject:
    """The message as its model wrote it, and with what is still missed then."""
    message: JsonObject = json.loads(item.bare)
    message |= _taken(own.get("keys", {}), refused)
    if calls := own.get("calls"):
        message["tool_calls"] = [
            {**call, **_taken(more, refused)}
            for call, more in zip(message["tool_calls"], calls, strict=True)
        ]
    for fill in fills.values():
        message = fill.get("keys", {}) | message
        more = fill.get("call", {})
        called = message.get("tool_calls", ())
        if more and called and all(call.keys().isdisjoint(more) for call in called):
            message["tool_calls"] = [{**call, **more} for call in called]
    return message


def _taken(added: JsonObject, refused: Collection[str]) -> JsonObject:
    return {key: value for key, value in added.items() if key not in refused}
