"""Asks models without an assistant: fakes of a turn and its budget, and builders of requests."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from assistant.src.messages.completion import Completion
from assistant.src.messages.item import Item
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.src.services.models.request import ModelRequest, Prompt
from assistant.src.services.models.served import ServedModel
from smart_kit.testing.scripted_model import ScriptedModel

FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
QUESTION = Item('{"role":"user","content":"hi"}')


@dataclass
class FakeBudget:
    """A budget that keeps what it was told."""

    left: Decimal = Decimal(100)
    reserved: list[Decimal] = field(default_factory=list)
    settled: list[Decimal] = field(default_factory=list)
    is_low: bool = False

    async def reserve(self, key: str, cost: Decimal) -> bool:
        self.reserved.append(cost)
        return cost <= self.left

    async def settle(self, key: str, cost: Decimal) -> None:
        self.settled.append(cost)


@dataclass
class FakeTurn:
    """What a turn is to a model."""

    deadline: float
    models_down: set[str] = field(default_factory=set)
    budget: FakeBudget = field(default_factory=FakeBudget)


def fake_turn(seconds: float = 60, **changes: Any) -> FakeTurn:
    return FakeTurn(asyncio.get_running_loop().time() + seconds, **changes)


def served_model(endpoint: Endpoint, name: str = "own", *more: str, **changes: Any) -> ServedModel:
    """A model that takes tools and what else is named."""
    given = {
        "provider": "scripted",
        "writer": f"p/{name}",
        "endpoint": endpoint,
        "capabilities": frozenset({"tools", *more}),
    }
    return ServedModel(name=name, **(given | changes))


def model_request(
    *items: Item, functions: Any = (FUNCTION,), instructions: str = "s", **changes: Any
) -> ModelRequest:
    return ModelRequest(
        prompt=Prompt(instructions, functions),
        items=items or (QUESTION,),
        key="m/1",
        **changes,
    )


async def complete_chain(
    *chain: ServedModel, asked: ModelRequest | None = None, seconds: float = 60
) -> Completion:
    """What a client that knows nothing yet gets."""
    return await ModelClient().complete(chain, asked or model_request(), fake_turn(seconds))


async def complete_own(
    endpoint: Endpoint,
    *,
    fallback: str | None = None,
    seconds: float = 60,
    asked: ModelRequest | None = None,
    **parameters: Any,
) -> Completion:
    """Ask the model `own`, and perhaps another one after it."""
    names = ("own", fallback) if fallback else ("own",)
    chain = [served_model(endpoint, name, parameters=parameters) for name in names]
    return await complete_chain(*chain, asked=asked, seconds=seconds)


def models_asked(model: ScriptedModel) -> list[str]:
    return [asked.body["model"] for asked in model.asked]
