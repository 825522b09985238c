"""What a way to ask models has to know: one file each, listed in `attempts.APIS`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from smart_kit.contracts.base import JsonObject

from ...messages.completion import ToolCall
from .endpoint import Assembly
from .parameters import Learnt
from .request import ModelRequest
from .served import ServedModel


@dataclass(frozen=True)
class Asking:
    """One request to one model."""

    request: ModelRequest
    model: ServedModel
    sent: Mapping[str, Any]
    """The parameters."""
    learnt: Learnt
    refused: Collection[str] = ()
    """Items, as they are kept, whose additions it no longer reads."""

    @property
    def has_tools(self) -> bool:
        """Whether functions are offered."""
        return bool(self.request.prompt.functions) and "tools" in self.model.capabilities


@dataclass(frozen=True)
class Answer:
    """What was read in a body of status 200."""

    text: str
    calls: tuple[ToolCall, ...]
    message: JsonObject
    added: JsonObject
    """Without `by`; empty: nothing."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


class Api(Protocol):
    """Chat Completions or Responses."""

    path: str

    def wanted(self, request: ModelRequest, model: ServedModel) -> dict[str, Any]:
        """The parameters, before what was learnt of the model is applied to them."""

    def body(self, asking: Asking) -> str:
        """The request's JSON."""

    def read(self, body: object, key: str) -> Answer:
        """The answer; `key` names message and step, for the ids of calls.

        Raises UpstreamUnavailable where it is no answer, EmptyAnswer where it says nothing.
        """

    def assembly(self) -> Assembly:
        """For a streamed answer."""
