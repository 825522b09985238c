"""Calls models without an assistant: fakes of a turn and its budget, builders of requests."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from assistant.src.messages.completion import Completion
from assistant.src.messages.conversation import Conversation
from assistant.src.messages.item import ChatItem
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import ResolvedModel
from assistant.src.services.models.request import ModelRequest, PromptPrefix
from assistant.src.services.models.transport.endpoint import Endpoint
from smart_kit.testing.scripted_model import ScriptedModel

FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
QUESTION = ChatItem('{"role":"user","content":"hi"}')


class SilentListener:
    """A listener that never wants the text. With one, models that can stream do so."""

    is_due = False

    def on_text(self, text: str) -> None:
        raise AssertionError(f"not due, but got {text!r}")


@dataclass
class FakeBudget:
    """A budget that records reservations and settlements."""

    remaining: Decimal = Decimal(100)
    reserved: list[Decimal] = field(default_factory=list)
    settled: list[Decimal] = field(default_factory=list)
    is_low: bool = False
    is_share_used_up: bool = False

    async def reserve(self, key: str, cost: Decimal) -> bool:
        self.reserved.append(cost)
        return cost <= self.remaining

    async def settle(self, key: str, cost: Decimal) -> None:
        self.settled.append(cost)


@dataclass
class FakeTurn:
    """The part of a turn that the model client uses."""

    deadline: float
    models_down: set[str] = field(default_factory=set)
    budget: FakeBudget = field(default_factory=FakeBudget)


def make_fake_turn(seconds: float = 60, **changes: Any) -> FakeTurn:
    return FakeTurn(asyncio.get_running_loop().time() + seconds, **changes)


def make_resolved_model(
    endpoint: Endpoint, name: str = "own", *extra_capabilities: str, **changes: Any
) -> ResolvedModel:
    """Return a model with tools and the named capabilities."""
    given = {
        "provider": "scripted",
        "writer": f"p/{name}",
        "endpoint": endpoint,
        "capabilities": frozenset({"tools", *extra_capabilities}),
    }
    return ResolvedModel(name=name, **(given | changes))


def make_conversation(*items: ChatItem) -> Conversation:
    """Return one turn of these messages, which cannot be shortened."""
    conversation = Conversation()
    conversation.items += items
    return conversation


def make_model_request(
    *items: ChatItem, functions: Any = (FUNCTION,), instructions: str = "s", **changes: Any
) -> ModelRequest:
    return ModelRequest(
        prompt=PromptPrefix(instructions, functions),
        conversation=make_conversation(*items or (QUESTION,)),
        key="m/1",
        **({"listener": SilentListener()} | changes),
    )


async def complete_chain(
    *chain: ResolvedModel, request: ModelRequest | None = None, seconds: float = 60
) -> Completion:
    """Return the answer from a new client, which has learnt nothing yet."""
    return await ModelClient().complete(
        chain, request or make_model_request(), make_fake_turn(seconds)
    )


async def complete_own_model(
    endpoint: Endpoint,
    *,
    fallback: str | None = None,
    seconds: float = 60,
    request: ModelRequest | None = None,
    **parameters: Any,
) -> Completion:
    """Call the model `own`, with an optional fallback."""
    names = ("own", fallback) if fallback else ("own",)
    chain = [make_resolved_model(endpoint, name, parameters=parameters) for name in names]
    return await complete_chain(*chain, request=request, seconds=seconds)


def get_requested_models(model: ScriptedModel) -> list[str]:
    return [request.body["model"] for request in model.requests]
