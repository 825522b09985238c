"""Parses lists of models: of GET /models, of our own API, and LiteLLM's table."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import Capability, ModelName
from smart_kit.errors import InvalidRequest

MAX_MODELS = 1000
UNKNOWN_FORMAT_DETAIL = (
    'The list has an unknown form. Known forms are {"data": [{"id": …}]},'
    ' {"models": [{"provider_model_name": …}]}, {"<name>": {"input_cost_per_token": …}}.'
)
DEFAULT_CAPABILITIES: tuple[Capability, ...] = ("tools", "streaming")
"""The capabilities of a model if its list says nothing about them."""
_LITELLM_SAMPLE = "sample_spec"
"""An entry of LiteLLM's table that describes the table, not a model."""
_LITELLM_PRICES = {
    "input_cost_per_token": "input_price",
    "cache_read_input_token_cost": "cached_input_price",
    "output_cost_per_token": "output_price",
}
_LITELLM_CAPABILITIES: Mapping[str, Capability] = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "json_schema",
    "supports_audio_input": "audio",
}
_SUPPORTED_MODES = ("chat", "responses", "embedding")
"""Modes in LiteLLM's table whose API the assistants can use."""
_EMBEDDING_NAME = re.compile(r"embed", re.IGNORECASE)
_NON_CHAT_NAME = re.compile(
    r"(?<![a-z])(whisper|tts|dall-?e|gpt-image|moderation|sora|transcribe|realtime)(?![a-z])",
    re.IGNORECASE,
)
"""Names of models for audio, images, video or moderation, in lists that hold only names."""
_MAX_QUOTED_NAME = 100
"""Characters of an invalid name that are quoted."""
_MODEL_NAME: TypeAdapter[str] = TypeAdapter(ModelName)
EntryT = TypeVar("EntryT")
_PER_MILLION = 1_000_000
_PRICE_QUANTUM = Decimal("0.000001")


@dataclass(frozen=True)
class ListedModel:
    """One model of a list."""

    name: str
    fields: JsonObject = field(default_factory=dict)
    """The fields that the list mentions, as for `POST /models`."""
    default_capabilities: tuple[Capability, ...] | None = None
    """Capabilities of a new model; None: those in `fields`."""
    capability_flags: Mapping[Capability, bool] = field(default_factory=dict)
    """Capabilities that the list confirms or denies one by one."""
    error: str = ""
    """Why the model cannot be imported."""


def parse(content: Any, only: Collection[str] = frozenset()) -> list[ListedModel]:
    """Return the models whose names are in `only`, or all if it is empty.

    Raises InvalidRequest for an unknown form or too many models.
    """
    if not isinstance(content, dict):
        raise InvalidRequest(UNKNOWN_FORMAT_DETAIL)
    for key, name_key, parse_item in _LIST_FORMATS:
        if isinstance(content.get(key), list):
            items = enumerate(content[key], start=1)
            wanted = [entry for entry in items if _is_wanted(_get_name(entry[1], name_key), only)]
            return [_validate_name(parse_item(item, n)) for n, item in _check_count(wanted)]
    if not content or not all(isinstance(item, dict) for item in content.values()):
        raise InvalidRequest(UNKNOWN_FORMAT_DETAIL)
    models = ((name, item) for name, item in content.items() if name.strip() != _LITELLM_SAMPLE)
    found = [(name, item) for name, item in models if _is_wanted(name, only)]
    return [_validate_name(_parse_litellm(name, item)) for name, item in _check_count(found)]


def _is_wanted(name: str | None, only: Collection[str]) -> bool:
    return not only or (name is not None and name.strip() in only)


def _check_count(found: list[EntryT]) -> list[EntryT]:
    if len(found) > MAX_MODELS:
        raise InvalidRequest(
            f"The list has more than {MAX_MODELS} models, the limit of one import. Name the"
            " models to import in only."
        )
    return found


def _validate_name(one: ListedModel) -> ListedModel:
    """Return the model with a normalized name, or with a quoted one and an error."""
    try:
        return replace(one, name=_MODEL_NAME.validate_python(one.name))
    except ValidationError as error:
        reason = one.error or f"is not a valid model name: {error.errors()[0]['msg']}"
        return replace(one, name=repr(one.name)[:_MAX_QUOTED_NAME], error=reason)


def _get_name(item: Any, key: str) -> str | None:
    name = item.get(key) if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def _parse_openai(item: Any, number: int) -> ListedModel:
    name = _get_name(item, "id")
    if name is None:
        return ListedModel(f"#{number}", error="has no id")
    if _NON_CHAT_NAME.search(name):
        reason = "is not a chat model, by its name; POST /models can add it anyway"
        return ListedModel(name, error=reason)
    if _EMBEDDING_NAME.search(name):
        return ListedModel(name, default_capabilities=("embeddings",))
    return ListedModel(name, default_capabilities=DEFAULT_CAPABILITIES)


def _parse_native(item: Any, number: int) -> ListedModel:
    name = _get_name(item, "provider_model_name")
    if name is None:
        return ListedModel(f"#{number}", error="has no provider_model_name")
    error = "has a provider_id; it is set once, for the whole list" if "provider_id" in item else ""
    own = {key: value for key, value in item.items() if key != "provider_model_name"}
    return ListedModel(name, own, error=error)


_LIST_FORMATS = (("data", "id", _parse_openai), ("models", "provider_model_name", _parse_native))
"""The key of the list, the key of a model's name in it, and the parser of a model."""


def _parse_litellm(name: str, item: JsonObject) -> ListedModel:
    mode = item.get("mode") or "chat"
    if mode not in _SUPPORTED_MODES:
        return ListedModel(name, error=f"is for {str(mode)[:50]!r}, which assistants cannot use")
    fields: JsonObject = {"api": "responses"} if mode == "responses" else {}
    try:
        fields |= dict(_parse_prices(item))
    except (ArithmeticError, ValueError):
        return ListedModel(name, error="has a price that is not a number")
    if mode == "embedding":
        return ListedModel(name, fields, default_capabilities=("embeddings",))
    flags = {
        ability: bool(item[key]) for key, ability in _LITELLM_CAPABILITIES.items() if key in item
    }
    return ListedModel(name, fields, default_capabilities=("streaming",), capability_flags=flags)


def _parse_prices(item: JsonObject) -> Iterator[tuple[str, Decimal]]:
    for key, price in _LITELLM_PRICES.items():
        if item.get(key) is not None:
            per_token = Decimal(str(item[key]))
            if not per_token.is_finite():
                raise ValueError(key)
            yield price, (per_token * _PER_MILLION).quantize(_PRICE_QUANTUM)
