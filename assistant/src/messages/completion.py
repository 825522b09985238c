"""A model's answer, independent of the API that carried it."""

from decimal import Decimal

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime
from smart_kit.contracts.threads import ModelFailure

from ..core.errors import EmptyResponse
from .item import ChatItem


class ToolCall(Contract):
    """A call of a function that the model asks for."""

    id: str
    name: str
    arguments: JsonObject
    error: str = ""
    """Why the call is not run, as the model reads it; empty: it is run."""


class Completion(Contract):
    """A text, or tool calls with an optional text."""

    model: str
    provider: str = ""
    message: JsonObject
    """The assistant's message in the form that every model understands."""
    extras: JsonObject = Field(default_factory=dict)
    """What the provider added; see `ChatItem`."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    """Like all token counts, an estimate if the server reports no usage."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    """USD, without the cost of `failures`; None: not known."""
    finish_reason: str = ""
    """The server's own value."""
    seconds: float = 0.0
    started_at: UtcDatetime | None = None
    failures: tuple[ModelFailure, ...] = ()
    """Failed attempts before this answer."""

    @property
    def item(self) -> ChatItem:
        """The answer as a message of the conversation."""
        return ChatItem.from_message(self.message, self.extras)

    @property
    def text_item(self) -> ChatItem:
        """The answer without its calls. Raises EmptyResponse if there is no text."""
        if not self.text.strip():
            raise EmptyResponse("The model went on calling tools when none were left")
        if not self.calls:
            return self.item
        return ChatItem.from_message({"role": "assistant", "content": self.text})
