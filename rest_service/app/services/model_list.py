"""A list of models in any of the forms in which there are such lists."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import Capability, ModelName
from smart_kit.errors import InvalidRequest

MOST_MODELS = 1000
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
_MODES = ("chat", "responses", "embedding")
"""What LiteLLM's table says of models that speak an API of ours."""
_FOR_EMBEDDINGS = re.compile(r"embed", re.IGNORECASE)
_FOR_NO_TALK = re.compile(
    r"(?<![a-z])(whisper|tts|dall-?e|gpt-image|moderation|sora|transcribe|realtime)(?![a-z])",
    re.IGNORECASE,
)
"""What models are called that hear, speak, paint or judge, where nothing but a name is known."""
_SAID = 100
"""Characters that are said of a name that is none."""
_NAME: TypeAdapter[str] = TypeAdapter(ModelName)
EntryT = TypeVar("EntryT")
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


def read(content: Any, only: Collection[str] = frozenset()) -> list[Listed]:
    """The models that are wanted, all where none is named; of the others nothing but the name is
    looked at.

    Raises InvalidRequest where it has none of the forms, or too many.
    """
    if not isinstance(content, dict):
        raise InvalidRequest(FORMS)
    for key, called, entry in _LISTS:
        if isinstance(content.get(key), list):
            items = enumerate(content[key], start=1)
            wanted = [one for one in items if _is_wanted(_name_in(one[1], called), only)]
            return [_named(entry(item, number)) for number, item in _few(wanted)]
    if not content or not all(isinstance(item, dict) for item in content.values()):
        raise InvalidRequest(FORMS)
    models = ((name, item) for name, item in content.items() if name.strip() != _LITELLM_SAMPLE)
    found = [(name, item) for name, item in models if _is_wanted(name, only)]
    return [_named(_litellm(name, item)) for name, item in _few(found)]


def _is_wanted(name: str | None, only: Collection[str]) -> bool:
    return not only or (name is not None and name.strip() in only)


def _few(found: list[EntryT]) -> list[EntryT]:
    if len(found) > MOST_MODELS:
        raise InvalidRequest(
            f"The list has more than {MOST_MODELS} models, and no more are taken at once. Name the"
            " wanted ones in only."
        )
    return found


def _named(one: Listed) -> Listed:
    """With a name that can be kept, or with one that can be said, and the fault."""
    try:
        return replace(one, name=_NAME.validate_python(one.name))
    except ValidationError as error:
        return replace(one, name=repr(one.name)[:_SAID], fault=one.fault or _fault(error))


def _fault(error: ValidationError) -> str:
    return f"is no name of a model: {error.errors()[0]['msg']}"


def _name_in(item: Any, key: str) -> str | None:
    name = item.get(key) if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def _openai(item: Any, number: int) -> Listed:
    name = _name_in(item, "id")
    if name is None:
        return Listed(f"#{number}", fault="has no id")
    if _FOR_NO_TALK.search(name):
        return Listed(
            name, fault="does not talk, as it is called; POST /models adds it all the same"
        )
    return Listed(name, abilities=("embeddings",) if _FOR_EMBEDDINGS.search(name) else UNTOLD)


def _ours(item: Any, number: int) -> Listed:
    name = _name_in(item, "provider_model_name")
    if name is None:
        return Listed(f"#{number}", fault="has no provider_model_name")
    fault = "provider_id is said once, for the whole list" if "provider_id" in item else ""
    own = {key: value for key, value in item.items() if key != "provider_model_name"}
    return Listed(name, own, fault=fault)


_LISTS = (("data", "id", _openai), ("models", "provider_model_name", _ours))
"""By the key of a list: where each model in it has its name, and who reads it."""


def _litellm(name: str, item: JsonObject) -> Listed:
    mode = item.get("mode") or "chat"
    if mode not in _MODES:
        return Listed(name, fault=f"is for {str(mode)[:50]!r}, which assistants cannot use")
    fields: JsonObject = {"api": "responses"} if mode == "responses" else {}
    try:
        fields |= dict(_prices(item))
    except (ArithmeticError, ValueError):
        return Listed(name, fault="has a price that is no number")
    if mode == "embedding":
        return Listed(name, fields, abilities=("embeddings",))
    flags = {ability: bool(item[key]) for key, ability in _SUPPORTS.items() if key in item}
    return Listed(name, fields, abilities=("streaming",), flags=flags)


def _prices(item: JsonObject) -> Iterator[tuple[str, Decimal]]:
    """USD per million, of those that are per token."""
    for key, price in _PRICES.items():
        if item.get(key) is not None:
            per_token = Decimal(str(item[key]))
            if not per_token.is_finite():
                raise ValueError(key)
            yield price, (per_token * _PER_MILLION).quantize(_SMALLEST)
