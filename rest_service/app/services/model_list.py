"""A list of models in any of the forms in which there are such lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import Capability
from smart_kit.errors import InvalidRequest

FORMS = (
    'The list has none of the known forms: {"data": [{"id": …}]},'
    ' {"models": [{"provider_model_name": …}]}, {"<name>": {"input_cost_per_token": …}}.'
)
UNTOLD: tuple[Capability, ...] = ("tools", "streaming")
"""What a model is taken to be able to do where its list says nothing at all."""
_LITELLM_SAMPLE = "sample_spec"
"""Describes LiteLLM's table within it; no model."""
_PRICES = {
    "input_cost_per_token": "input_price",
    "cache_read_input_token_cost": "cached_input_price",
    "output_cost_per_token": "output_price",
}
_SUPPORTS: Mapping[str, Capability] = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "json_schema",
    "supports_audio_input": "audio",
}
_PER_MILLION = 1_000_000
_SMALLEST = Decimal("0.000001")


@dataclass(frozen=True)
class Listed:
    """One model of a list."""

    name: str
    fields: JsonObject = field(default_factory=dict)
    """Those that the list speaks of, as for `POST /models`."""
    abilities: tuple[Capability, ...] | None = None
    """Of a model that is new; None: as `fields` say."""
    flags: Mapping[Capability, bool] = field(default_factory=dict)
    """What it can and cannot do, where that is said one by one."""
    fault: str = ""
    """Why it is not usable."""


def read(content: Any) -> list[Listed]:
    """Raises InvalidRequest where it has none of the forms."""
    if not isinstance(content, dict):
        raise InvalidRequest(FORMS)
    for key, entry in (("data", _openai), ("models", _ours)):
        if isinstance(content.get(key), list):
            return [entry(item, number) for number, item in enumerate(content[key], start=1)]
    if not content or not all(isinstance(item, dict) for item in content.values()):
        raise InvalidRequest(FORMS)
    return [
        _litellm(name, item) for name, item in content.items() if name.strip() != _LITELLM_SAMPLE
    ]


def _openai(item: Any, number: int) -> Listed:
    name = item.get("id") if isinstance(item, dict) else None
    if not isinstance(name, str):
        return Listed(f"#{number}", fault="has no id")
    return Listed(name, abilities=UNTOLD)


def _ours(item: Any, number: int) -> Listed:
    name = item.get("provider_model_name") if isinstance(item, dict) else None
    if not isinstance(name, str):
        return Listed(f"#{number}", fault="has no provider_model_name")
    fault = "provider_id is said once, for the whole list" if "provider_id" in item else ""
    own = {key: value for key, value in item.items() if key != "provider_model_name"}
    return Listed(name, own, fault=fault)


def _litellm(name: str, item: JsonObject) -> Listed:
    flags = {ability: bool(item[key]) for key, ability in _SUPPORTS.items() if key in item}
    fields: JsonObject = {"api": "responses"} if item.get("mode") == "responses" else {}
    try:
        fields |= dict(_prices(item))
    except (InvalidOperation, ValueError):
        return Listed(name, fault="has a price that is no number")
    if item.get("mode") == "embedding":
        return Listed(name, fields, abilities=("embeddings",), flags=flags)
    return Listed(name, fields, abilities=("streaming",), flags=flags)


def _prices(item: JsonObject) -> Iterator[tuple[str, Decimal]]:
    """USD per million, of those that are per token."""
    for key, price in _PRICES.items():
        if item.get(key) is not None:
            per_token = Decimal(str(item[key]))
            if not per_token.is_finite():
                raise ValueError(key)
            yield price, (per_token * _PER_MILLION).quantize(_SMALLEST)
