"""The breakers of this process: one for each model, server, key and API."""

from weakref import WeakKeyDictionary

from smart_kit.contracts.models import ModelApi

from ..resolved_model import ResolvedModel
from ..transport.endpoint import Endpoint
from .circuit_breaker import CircuitBreaker


class BreakerRegistry:
    """A corrected address or key is another endpoint, and is asked at once. Those of an endpoint go
    with it."""

    def __init__(self) -> None:
        self._breakers: WeakKeyDictionary[
            Endpoint, dict[tuple[str, str, ModelApi], CircuitBreaker]
        ] = WeakKeyDictionary()

    def get(self, model: ResolvedModel, endpoint: Endpoint, api: ModelApi) -> CircuitBreaker:
        """The one that guards such requests."""
        known = self._breakers.setdefault(endpoint, {})
        key = (model.provider, model.name, api)
        if key not in known:
            known[key] = CircuitBreaker(*key)
        return known[key]
