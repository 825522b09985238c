"""What a way to ask models has to know: one file each, listed in `attempts.APIS`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from smart_kit.contracts.base import JsonObject

from ...core.errors import Tokens
from ...messages.completion import ToolCall
from ...messages.item import Item
from .assembling import Assembly
from .own_words import digest_of
from .parameters import Learnt
from .request import ModelRequest
from .served import ServedModel
from .telling import told


@dataclass(frozen=True)
class Asking:
    """One request to one model."""

    request: ModelRequest
    model: ServedModel
    sent: Mapping[str, Any]
    """The parameters."""
    learnt: Learnt
    unread: Collection[bytes] = ()
    """Digests of items whose additions it no longer reads."""

    @property
    def has_tools(self) -> bool:
        """Whether functions are offered."""
        return bool(self.request.prompt.functions) and "tools" in self.model.capabilities

    @cached_property
    def items(self) -> Sequence[Item]:
        """The conversation; in words alone where no functions are offered."""
        return self.request.items if self.has_tools else told(self.request.items)

    def own(self, item: Item) -> JsonObject:
        """What the model that is asked has added to it, and still reads."""
        added = item.added_by(self.model.writer)
        if added is None or (self.unread and digest_of(item) in self.unread):
            return {}
        return added


@dataclass(frozen=True)
class Answer:
    """What was read in a body of status 200."""

    text: str
    calls: tuple[ToolCall, ...]
    message: JsonObject
    added: JsonObject
    """Without `by`; empty: nothing."""
    tokens: Tokens | None = (0, 0, 0)
    finish_reason: str = ""


class Api(Protocol):
    """Chat Completions or Responses."""

    path: str

    @property
    def additions(self) -> Collection[str]:
        """Under which names what a model added itself goes back to it."""

    def wanted(self, request: ModelRequest, model: ServedModel) -> dict[str, Any]:
        """The parameters, before what was learnt of the model is applied to them."""

    def body(self, asking: Asking) -> str:
        """The request's JSON."""

    def read(self, body: object, key: str) -> Answer:
        """The answer; `key` names message and step, for the ids of calls.

        Raises Unreadable where it is no answer, EmptyAnswer where it says nothing.
        """

    def assembly(self) -> Assembly:
        """For a streamed answer."""
