"""A question to a model, whichever API it goes by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ModelApi

from ...core.errors import TokenUsage
from ...messages.item import ChatItem, encode_json
from .transport.streaming import StreamListener

CHARACTERS_PER_TOKEN = 4
MAX_CHARACTERS_PER_TOKEN = 6
"""On average, in any language."""
DEFAULT_OUTPUT_TOKENS = 1_000
"""Expected of an assistant without a limit."""


@dataclass(frozen=True)
class Prompt:
    """What each request of an assistant begins with, dumped once: always the same bytes."""

    instructions: str
    functions: Sequence[JsonObject] = ()
    """Name, description and parameters of each, in the order in which they are offered."""

    @cached_property
    def system_message(self) -> str:
        """As the first message of Chat Completions."""
        return encode_json({"role": "system", "content": self.instructions})

    @cached_property
    def chat_tools(self) -> str:
        """For Chat Completions; empty: none."""
        wrapped = [{"type": "function", "function": function} for function in self.functions]
        return encode_json(wrapped) if wrapped else ""

    @cached_property
    def instructions_json(self) -> str:
        """The instructions as a JSON string."""
        return encode_json(self.instructions)

    @cached_property
    def responses_tools(self) -> str:
        """For Responses; empty: none. Our schemas do not keep the rules of strict ones."""
        flat = [{"type": "function", **function, "strict": False} for function in self.functions]
        return encode_json(flat) if flat else ""


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked."""

    prompt: Prompt
    items: Sequence[ChatItem]
    key: str
    """Message and step: the ids of calls are made from it, and the budget is reserved under it."""
    may_call_tools: bool = True
    """Whether it may still call functions."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the assistant, by their names in Chat Completions; they win over a record's."""
    api: ModelApi | None = None
    """By which models are asked, as far as their servers have it; None: as their records say."""
    listener: StreamListener | None = None
    """Whom a growing answer is shown to, if to anybody."""

    @cached_property
    def characters(self) -> int:
        """Of what is said, without the functions."""
        items_length = sum(len(item.json_without_extras) for item in self.items)
        return len(self.prompt.instructions) + items_length

    @property
    def estimated_tokens(self) -> TokenUsage:
        """About so many. They count where nobody says how many they were."""
        given = (self.characters + len(self.prompt.chat_tools)) // CHARACTERS_PER_TOKEN
        return given, 0, int(self.overrides.get("max_tokens") or DEFAULT_OUTPUT_TOKENS)
