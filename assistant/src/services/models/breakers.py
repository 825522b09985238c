"""The breakers of this process: one for each model, server, key and API."""

from weakref import WeakKeyDictionary

from smart_kit.contracts.models import ModelApi

from .breaker import Breaker
from .endpoint import Endpoint
from .served import ServedModel


class Breakers:
    """A corrected address or key is another endpoint, and is asked at once. Those of an endpoint go
    with it."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Endpoint, dict[tuple[str, str, ModelApi], Breaker]] = (
            WeakKeyDictionary()
        )

    def of(self, model: ServedModel, endpoint: Endpoint, api: ModelApi) -> Breaker:
        """The one that guards such requests."""
        known = self._of.setdefault(endpoint, {})
        key = (model.provider, model.name, api)
        if key not in known:
            known[key] = Breaker(*key)
        return known[key]
