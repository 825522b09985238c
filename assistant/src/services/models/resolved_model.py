"""A model that can be asked: its record, its server and its prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import Capability, ModelApi

from .transport.endpoint import Endpoint

_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """USD per million of tokens; None: not known."""

    prompt: Decimal | None = None
    cached: Decimal | None = None
    """None: as others of the prompt."""
    completion: Decimal | None = None

    def calculate_cost(self, prompt: int, cached: int, completion: int) -> Decimal | None:
        """USD of so many tokens, `cached` being among those of the prompt; None: not known."""
        if self.prompt is None or self.completion is None:
            return None
        cached_price = self.prompt if self.cached is None else self.cached
        known = min(cached, prompt)
        whole = (prompt - known) * self.prompt + known * cached_price + completion * self.completion
        return whole / _MILLION


@dataclass(frozen=True)
class ResolvedModel:
    """One of a catalogue's."""

    name: str
    provider: str = ""
    writer: str = ""
    """Names provider, server and model for good, in what the model has written."""
    endpoint: Endpoint | None = None
    unavailable_reason: str = ""
    """Why it cannot be asked, where there is no endpoint."""
    api: ModelApi = "chat"
    parameters: JsonObject = field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()
    prices: Prices = Prices()
    is_user_selectable: bool = False

    @property
    def base_url(self) -> str:
        """Of its server."""
        return self.endpoint.base_url if self.endpoint is not None else ""

    def merge_parameters(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Its record's parameters under those of an assistant."""
        return {**self.parameters, **overrides}
