"""Chat Completions: what all servers speak."""

from typing import Any

from smart_kit.contracts.base import JsonObject

from ...messages.item import Item, encode
from .api import Answer, Asking
from .chat_answer import read_answer
from .chat_stream import ChatStream
from .extras import FILLS
from .request import ModelRequest
from .served import ServedModel


class ChatCompletions:
    """See Api."""

    path = "/chat/completions"

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
        messages = [prompt.system, *(_sent(item, asking) for item in asking.request.items)]
        return f'{head},{tools}"messages":[{",".join(messages)}]}}'

    def read(self, body: object, key: str) -> Answer:
        """See Api."""
        return read_answer(body, key)

    def assembly(self) -> ChatStream:
        """See Api."""
        return ChatStream()


def _sent(item: Item, asking: Asking) -> str:
    learnt, plain = asking.learnt, item.plain
    if not learnt.keeps_extras:
        return item.bare
    added = item.added_by(asking.model.writer) if plain is not item.json else None
    if added is not None and not added.keys().isdisjoint(("keys", "calls")):
        return encode(_with(item, added))
    if learnt.fills and '"tool_calls":' in plain:
        return encode(_filled(item, learnt.fills))
    return plain


def _with(item: Item, added: JsonObject) -> JsonObject:
    """The message as its model wrote it."""
    message: JsonObject = _plain_keys(item) | added.get("keys", {})
    if calls := added.get("calls"):
        message["tool_calls"] = [
            {**call, **more} for call, more in zip(message["tool_calls"], calls, strict=True)
        ]
    return message


def _filled(item: Item, names: tuple[str, ...]) -> JsonObject:
    """Another one's calls with what this model misses at them."""
    message = _plain_keys(item)
    for name in names:
        message |= FILLS[name].get("keys", {})
        more = FILLS[name].get("call", {})
        message["tool_calls"] = [{**call, **more} for call in message.get("tool_calls", ())]
    return message


def _plain_keys(item: Item) -> JsonObject:
    return {key: value for key, value in item.message.items() if not key.startswith("_")}
