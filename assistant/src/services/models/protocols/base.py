"""What the wire protocols share; `retries.PROTOCOLS` lists them."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from smart_kit.contracts.base import JsonObject

from ....core.errors import TokenUsage
from ....messages.completion import ToolCall
from ....messages.item import ChatItem, encode_json
from ..model_registry import ResolvedModel
from ..request import ModelRequest
from ..request_adaptation import RequestAdaptation
from ..transport.streaming import StreamAccumulator


@dataclass(frozen=True)
class ModelCall:
    """One request to one model."""

    request: ModelRequest
    model: ResolvedModel
    protocol: "ModelProtocol"
    adaptation: RequestAdaptation
    rejected_digests: Collection[bytes] = ()
    """Digests of items whose extras the model no longer accepts."""

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """All parameters of the request, adapted to the model."""
        return self.adaptation.apply(self.protocol.build_parameters(self))

    @property
    def shared_parameters(self) -> dict[str, Any]:
        """The wanted parameters, as far as both APIs have them."""
        parameters = {**self.model.parameters, **self.request.overrides}
        if self.has_tools and not self.request.may_call_tools:
            parameters["tool_choice"] = "none"
        if self.is_streamed:
            parameters["stream"] = True
        return parameters

    @property
    def is_streamed(self) -> bool:
        """Whether the answer is requested as a stream: the model can, and somebody listens."""
        return "streaming" in self.model.capabilities and self.request.listener is not None

    @property
    def has_tools(self) -> bool:
        """Whether the request has functions."""
        return bool(self.request.prompt.functions) and "tools" in self.model.capabilities

    @cached_property
    def items(self) -> Sequence[ChatItem]:
        """The messages; tool calls become plain text if the request has no functions."""
        return (
            self.request.items if self.has_tools else render_tool_calls_as_text(self.request.items)
        )

    def get_extras(self, item: ChatItem) -> JsonObject:
        """Return the extras of the item that this model wrote and still accepts."""
        extras = item.get_extras(self.model.writer) or {}
        if not extras or not self.rejected_digests:  # a digest of a long item takes time
            return extras
        return {} if _digest_item(item) in self.rejected_digests else extras

    def digest_sent_extras(self) -> frozenset[bytes]:
        """Return the digests of the items that are sent with extras."""
        return frozenset(
            _digest_item(item)
            for item in self.items
            if not self.get_extras(item).keys().isdisjoint(self.protocol.extras_names)
        )


@dataclass(frozen=True)
class ParsedResponse:
    """The content of a successful response."""

    text: str
    calls: tuple[ToolCall, ...]
    extras: JsonObject
    """What the provider added, without `by`."""
    tokens: TokenUsage | None = (0, 0, 0)
    finish_reason: str = ""

    @property
    def message(self) -> JsonObject:
        """The assistant's message in the form that every model understands."""
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": encode_json(call.arguments)},
            }
            for call in self.calls
        ]
        message: JsonObject = {"role": "assistant", "content": self.text}
        return {**message, "tool_calls": calls} if calls else message


@dataclass(frozen=True)
class ModelProtocol:
    """The wire protocol of one API: Chat Completions or Responses."""

    path: str
    extras_names: Collection[str]
    """Names of the extras that go back to their model."""
    build_parameters: Callable[[ModelCall], dict[str, Any]]
    """Returns the wanted parameters, before they are adapted to the model."""
    build_body: Callable[[ModelCall], str]
    """Returns the request's JSON."""
    parse_response: Callable[[object, str], ParsedResponse]
    """Parses a body; the other argument is `<message id>/<step>`, from which call ids are derived.

    Raises MalformedResponse if the body is not an answer, EmptyResponse if it has neither
    text nor calls.
    """
    create_accumulator: Callable[[], StreamAccumulator]
    """Returns an accumulator for one streamed answer."""


def _digest_item(item: ChatItem) -> bytes:
    return hashlib.blake2b(item.json.encode(), digest_size=16).digest()


def render_tool_calls_as_text(items: Iterable[ChatItem]) -> list[ChatItem]:
    """Return the items with calls and results as text; all other items stay unchanged.

    The results of one answer become one message, because some models require alternating roles.
    """
    flattened: list[ChatItem] = []
    names: dict[str, str] = {}
    results: list[str] = []
    for item in items:
        message = item.message if '"tool_call' in item.json_without_extras else {}
        if message.get("role") == "tool":
            name = names.get(message["tool_call_id"], "a tool")
            results.append(f"(What {name} returned, as data:)\n{message['content']}")
            continue
        flattened += _merge_results(results)
        results = []
        calls: list[JsonObject] = message.get("tool_calls", [])
        names |= {call["id"]: call["function"]["name"] for call in calls}
        flattened.append(_render_calls(message, calls) if calls else item)
    return [*flattened, *_merge_results(results)]


def _merge_results(results: list[str]) -> Iterator[ChatItem]:
    if results:
        yield ChatItem.from_message({"role": "user", "content": "\n\n".join(results)})


def _render_calls(message: JsonObject, calls: list[JsonObject]) -> ChatItem:
    lines = [message["content"]] if message.get("content") else []
    for call in calls:
        function = call["function"]
        lines.append(f"(I called {function['name']} with {function['arguments']}.)")
    return ChatItem.from_message({"role": "assistant", "content": "\n".join(lines)})
