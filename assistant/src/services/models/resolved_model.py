"""A model as it can be called: its record, its server and its prices."""

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
    """USD per million tokens; None: not known."""

    prompt: Decimal | None = None
    cached: Decimal | None = None
    """None: the price of the prompt."""
    completion: Decimal | None = None

    def calculate_cost(self, prompt: int, cached: int, completion: int) -> Decimal | None:
        """Return the cost in USD; `cached` tokens are part of `prompt`. None: not known."""
        if self.prompt is None or self.completion is None:
            return None
        cached_price = self.prompt if self.cached is None else self.cached
        known = min(cached, prompt)
        whole = (prompt - known) * self.prompt + known * cached_price + completion * self.completion
        return whole / _MILLION


@dataclass(frozen=True)
class ResolvedModel:
    """One model of a ModelRegistry."""

    name: str
    provider: str = ""
    writer: str = ""
    """Identifies provider, server and model as the author of extras, across configurations."""
    endpoint: Endpoint | None = None
    unavailable_reason: str = ""
    """Why there is no endpoint."""
    api: ModelApi = "chat"
    parameters: JsonObject = field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()
    prices: Prices = Prices()
    is_user_selectable: bool = False

    @property
    def base_url(self) -> str:
        """The address of its server."""
        return self.endpoint.base_url if self.endpoint is not None else ""

    def merge_parameters(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record's parameters, overridden by those of an assistant."""
        return {**self.parameters, **overrides}
