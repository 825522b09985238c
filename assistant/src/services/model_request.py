"""A question to a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..messages.item import Item, encode
from .model_parameters import Parameters


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked. The parts are JSON already, so that what repeats is the same bytes."""

    model: str | None
    """None: the deployment's default."""
    system: str
    tools: str
    """A JSON array; empty: none are offered."""
    items: Sequence[Item]
    key: str
    """Message and step: the ids of calls are made from it."""
    may_call: bool = True
    """Whether it may still call functions."""

    def body(self, model: str, parameters: Parameters, *, is_own: bool) -> bytes:
        """The request; `is_own`: this model, and no fallback, wrote the history."""
        head: dict[str, Any] = {"model": model, **parameters.sent}
        if self.tools and not self.may_call and "tool_choice" not in parameters.values:
            head["tool_choice"] = "none"
        messages = [self.system]
        for item in self.items:
            keeps = item.model == model or (item.model is None and is_own)
            messages.append(item.json if keeps and parameters.keeps_extras else item.plain)
        tools = f'"tools":{self.tools},' if self.tools else ""
        return f'{encode(head)[:-1]},{tools}"messages":[{",".join(messages)}]}}'.encode()
