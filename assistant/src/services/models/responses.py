"""OpenAI's Responses API, asked statelessly: nothing is stored there, all of it is our history."""

from collections.abc import Iterator
from typing import Any

from smart_kit.contracts.base import JsonObject

from ...messages.item import encode
from .api import Answer, Asking
from .request import ModelRequest
from .responses_answer import read_answer
from .responses_stream import ResponsesStream
from .served import ServedModel

_STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
_RENAMED = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_NESTED = {"reasoning_effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")}
"""What Chat Completions has flat."""


class Responses:
    """See Api."""

    path = "/responses"
    additions = ("output",)

    def wanted(self, request: ModelRequest, model: ServedModel) -> dict[str, Any]:
        """See Api."""
        given = model.wanted(request.overrides)
        wanted = {_RENAMED.get(name, name): value for name, value in given.items()} | _STATELESS
        if "tools" in model.capabilities and request.prompt.functions and not request.may_call:
            wanted["tool_choice"] = "none"
        if "streaming" in model.capabilities:
            wanted["stream"] = True
        return wanted

    def body(self, asking: Asking) -> str:
        """See Api."""
        prompt = asking.request.prompt
        head = encode({"model": asking.model.name, **_nested(asking.sent)})[:-1]
        tools = f'"tools":{prompt.flat_tools},' if asking.has_tools else ""
        given = encode(list(_input(asking)))
        return f'{head},"instructions":{prompt.quoted},{tools}"input":{given}}}'

    def read(self, body: object, key: str) -> Answer:
        """See Api."""
        return read_answer(body, key)

    def assembly(self) -> ResponsesStream:
        """See Api."""
        return ResponsesStream()


def _nested(sent: Any) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in sent.items():
        if name not in _NESTED:
            nested[name] = nested.get(name, {}) | value if isinstance(value, dict) else value
            continue
        outer, inner = _NESTED[name]
        nested[outer] = {inner: value} | nested.get(outer, {})
    return nested


def _input(asking: Asking) -> Iterator[JsonObject]:
    """What the model wrote itself goes back as it was, in its order; a call keeps its id, and so
    does the result."""
    their_ids: dict[str, str] = {}
    for item in asking.items:
        added = asking.own(item)
        if "output" in added:
            their_ids |= added["ids"]
            yield from added["output"]
        else:
            yield from _plain(item.message, their_ids)


def _plain(message: JsonObject, their_ids: dict[str, str]) -> Iterator[JsonObject]:
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        call_id = their_ids.get(call_id, call_id)
        yield {"type": "function_call_output", "call_id": call_id, "output": message["content"]}
        return
    if message.get("content"):
        yield {"role": message["role"], "content": message["content"]}
    for call in message.get("tool_calls", ()):
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}
