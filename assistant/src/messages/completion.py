"""What a model answered, whichever API it was asked by."""

from decimal import Decimal

from pydantic import Field

from smart_kit.contracts.base import Contract, JsonObject, UtcDatetime
from smart_kit.contracts.threads import ModelFailure

from ..core.errors import EmptyAnswer
from .item import Item


class ToolCall(Contract):
    """A function that the model wants called."""

    id: str
    name: str
    arguments: JsonObject
    problem: str = ""
    """Why it cannot be run, told to the model."""


class Completion(Contract):
    """A model's answer: a text, or calls with perhaps a text."""

    model: str
    provider: str = ""
    message: JsonObject
    """The assistant's message, as every model understands it."""
    added: JsonObject = Field(default_factory=dict)
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
    def item(self) -> Item:
        """For the conversation."""
        return Item.of(self.message, self.added)

    @property
    def words(self) -> Item:
        """Without its calls. Raises EmptyAnswer where it is nothing but calls."""
        if not self.text.strip():
            raise EmptyAnswer("The model went on calling tools when none were left")
        if not self.calls:
            return self.item
        return Item.of({"role": "assistant", "content": self.text})
