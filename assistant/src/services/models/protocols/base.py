"""What a way to ask models has to know: one file each, listed in `attempts.APIS`."""

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
    """The parameters."""
    adaptation: RequestAdaptation
    rejected_digests: Collection[bytes] = ()
    """Digests of items whose additions it no longer reads."""

    @property
    def has_tools(self) -> bool:
        """Whether functions are offered."""
        return bool(self.request.prompt.functions) and "tools" in self.model.capabilities

    @cached_property
    def items(self) -> Sequence[ChatItem]:
        """The conversation; in words alone where no functions are offered."""
        return self.request.items if self.has_tools else flatten_tool_calls(self.request.items)

    def get_extras(self, item: ChatItem) -> JsonObject:
        """What the model that is asked has added to it, and still reads."""
        extras = item.get_extras(self.model.writer)
        if extras is None or (self.rejected_digests and digest_item(item) in self.rejected_digests):
            return {}
        return extras


@dataclass(frozen=True)
class ParsedResponse:
    """What was read in a body of status 200."""

    text: str
    calls: tuple[ToolCall, ...]
    message: JsonObject
    extras: JsonObject
    """Without `by`; empty: nothing."""
    tokens: TokenUsage | None = (0, 0, 0)
    finish_reason: str = ""


class ModelProtocol(Protocol):
    """Chat Completions or Responses."""

    path: str

    @property
    def extras_names(self) -> Collection[str]:
        """Under which names what a model added itself goes back to it."""

    def build_parameters(self, request: ModelRequest, model: ResolvedModel) -> dict[str, Any]:
        """The parameters, before what was learnt of the model is applied to them."""

    def build_body(self, call: ModelCall) -> str:
        """The request's JSON."""

    def parse_response(self, body: object, key: str) -> ParsedResponse:
        """The answer; `key` names message and step, for the ids of calls.

        Raises Unreadable where it is no answer, EmptyAnswer where it says nothing.
        """

    def create_accumulator(self) -> StreamAccumulator:
        """For a streamed answer."""
