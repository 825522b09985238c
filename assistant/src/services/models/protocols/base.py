"""The interface of the wire protocols, which `retries.PROTOCOLS` lists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from smart_kit.contracts.base import JsonObject

from ....core.errors import TokenUsage
from ....messages.completion import ToolCall
from ....messages.item import ChatItem
from ..rejected_extras import digest_item
from ..request import ModelRequest
from ..request_adaptation import RequestAdaptation
from ..resolved_model import ResolvedModel
from ..transport.streaming import StreamAccumulator
from .tool_transcript import flatten_tool_calls


@dataclass(frozen=True)
class ModelCall:
    """One request to one model."""

    request: ModelRequest
    model: ResolvedModel
    parameters: Mapping[str, Any]
    """All parameters of the request, adapted to the model."""
    adaptation: RequestAdaptation
    rejected_digests: Collection[bytes] = ()
    """Digests of items whose extras the model no longer accepts."""

    @property
    def has_tools(self) -> bool:
        """Whether the request has functions."""
        return bool(self.request.prompt.functions) and "tools" in self.model.capabilities

    @cached_property
    def items(self) -> Sequence[ChatItem]:
        """The messages; tool calls become plain text where the request has no functions."""
        return self.request.items if self.has_tools else flatten_tool_calls(self.request.items)

    def get_extras(self, item: ChatItem) -> JsonObject:
        """Return the extras of the item that this model wrote and still accepts."""
        extras = item.get_extras(self.model.writer)
        if extras is None or (self.rejected_digests and digest_item(item) in self.rejected_digests):
            return {}
        return extras


@dataclass(frozen=True)
class ParsedResponse:
    """The content of a successful response."""

    text: str
    calls: tuple[ToolCall, ...]
    message: JsonObject
    extras: JsonObject
    """What the provider added, without `by`."""
    tokens: TokenUsage | None = (0, 0, 0)
    finish_reason: str = ""


class ModelProtocol(Protocol):
    """The wire protocol of one API: Chat Completions or Responses."""

    path: str

    @property
    def extras_names(self) -> Collection[str]:
        """Names of the extras that go back to their model."""

    def build_parameters(self, request: ModelRequest, model: ResolvedModel) -> dict[str, Any]:
        """Return the wanted parameters, before they are adapted to the model."""

    def build_body(self, call: ModelCall) -> str:
        """Return the request's JSON."""

    def parse_response(self, body: object, key: str) -> ParsedResponse:
        """Return the answer; `key` is `<message id>/<step>`, from which call ids are derived.

        Raises MalformedResponse where the body is not an answer, EmptyResponse where it has neither
        text nor calls.
        """

    def create_accumulator(self) -> StreamAccumulator:
        """Return an accumulator for one streamed answer."""
