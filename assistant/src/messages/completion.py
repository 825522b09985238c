"""What a model answered, whichever API it was asked by."""

from decimal import Decimal

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime
from smart_kit.contracts.threads import ModelFailure

from ..core.errors import EmptyResponse
from .item import ChatItem


class ToolCall(Contract):
    """A function that the model wants called."""

    id: str
    name: str
    arguments: JsonObject
    error: str = ""
    """Why it cannot be run, told to the model."""


class Completion(Contract):
    """A model's answer: a text, or calls with perhaps a text."""

    model: str
    provider: str = ""
    message: JsonObject
    """The assistant's message, as every model understands it."""
    extras: JsonObject = Field(default_factory=dict)
    """What the provider added, and `by` whom; see `Item`."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    """As all tokens: about so many where the server has not said."""
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal | None = None
    """USD, without that of the failures; None: not known."""
    finish_reason: str = ""
    """In the server's word."""
    seconds: float = 0.0
    started_at: UtcDatetime | None = None
    failures: tuple[ModelFailure, ...] = ()
    """Who was asked before, in vain."""

    @property
    def item(self) -> ChatItem:
        """For the conversation."""
        return ChatItem.from_message(self.message, self.extras)

    @property
    def text_item(self) -> ChatItem:
        """Without its calls. Raises EmptyAnswer where it is nothing but calls."""
        if not self.text.strip():
            raise EmptyResponse("The model went on calling tools when none were left")
        if not self.calls:
            return self.item
        return ChatItem.from_message({"role": "assistant", "content": self.text})
