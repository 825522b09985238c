"""A request to a model, independent of the API that carries it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ModelApi

from ...core.errors import TokenUsage
from ...messages.conversation import Conversation
from ...messages.item import ChatItem, encode_json
from .transport.streaming import StreamListener

CHARACTERS_PER_TOKEN = 4
DEFAULT_OUTPUT_TOKENS = 1_000
"""Estimated length of an answer if the assistant sets no limit."""


@dataclass(frozen=True)
class PromptPrefix:
    """The constant beginning of an assistant's requests: the same bytes each time, so that a
    provider's prompt cache can be used."""

    instructions: str
    functions: Sequence[JsonObject] = ()
    """Name, description and parameters of each function, in the order of the request."""

    @cached_property
    def instructions_json(self) -> str:
        """The instructions as a JSON string."""
        return encode_json(self.instructions)

    @cached_property
    def chat_tools(self) -> str:
        """The `tools` of a Chat Completions request, as JSON; empty: no functions."""
        wrapped = [{"type": "function", "function": function} for function in self.functions]
        return encode_json(wrapped) if wrapped else ""

    @cached_property
    def responses_tools(self) -> str:
        """The `tools` of a Responses request, as JSON; empty: no functions."""
        # strict mode is off because our schemas do not follow its rules
        flat = [{"type": "function", **function, "strict": False} for function in self.functions]
        return encode_json(flat) if flat else ""


@dataclass(frozen=True)
class ModelRequest:
    """A request to a model, independent of the API that carries it."""

    prompt: PromptPrefix
    conversation: Conversation
    """May be shortened between two attempts."""
    key: str
    """`<message id>/<step>`: the seed of tool call ids, and the key of the budget reservation."""
    may_call_tools: bool = True
    """Whether the model may still call functions."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the assistant, by their Chat Completions names; they win over a record's."""
    api: ModelApi | None = None
    """The API to use as far as a server has it; None: the one in the model's record."""
    listener: StreamListener | None = None
    """Receives the growing text; None: the answer is not streamed."""

    @property
    def items(self) -> Sequence[ChatItem]:
        """The messages to send, in their order."""
        return self.conversation.all_items

    @property
    def characters(self) -> int:
        """Length of instructions and messages, without function definitions."""
        items_length = sum(len(item.json_without_extras) for item in self.items)
        return len(self.prompt.instructions) + items_length

    @property
    def estimated_tokens(self) -> TokenUsage:
        """Estimated usage, for servers that do not report theirs."""
        given = (self.characters + len(self.prompt.chat_tools)) // CHARACTERS_PER_TOKEN
        return given, 0, int(self.overrides.get("max_tokens") or DEFAULT_OUTPUT_TOKENS)
