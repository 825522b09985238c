"""What this process has learnt about models from their responses."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ModelApi

from .circuit_breaker import CircuitBreaker
from .model_registry import ResolvedModel
from .request import ModelRequest
from .request_adaptation import RequestAdaptation
from .transport.endpoint import Endpoint

MAX_REJECTED_EXTRAS = 10_000
"""Digests kept at a time; a message that was dropped is rejected once more and learnt again."""
_NO_ADAPTATION = RequestAdaptation()


@dataclass
class ModelState:
    """Health and request adaptation of one model behind one API of one endpoint."""

    breaker: CircuitBreaker
    _adaptation: RequestAdaptation = _NO_ADAPTATION
    _parameters: JsonObject = field(default_factory=dict)
    """Parameters of the model record when the adaptation was learnt."""

    def get_adaptation(self, model: ResolvedModel) -> RequestAdaptation:
        """Return the learnt adaptation; a changed model record invalidates it."""
        return self._adaptation if self._parameters == model.parameters else _NO_ADAPTATION

    def save_adaptation(self, model: ResolvedModel, adaptation: RequestAdaptation) -> None:
        """Store an adaptation with which the model has answered."""
        self._adaptation, self._parameters = adaptation, model.parameters

    def save_missing_api(self, model: ResolvedModel) -> None:
        """Store that the server lacks the API."""
        self.save_adaptation(model, RequestAdaptation(is_api_missing=True))


class ModelStates:
    """The states of all models. A state lives as long as its endpoint: a corrected address or key
    is another endpoint and starts without failures."""

    def __init__(self) -> None:
        self.rejected_extras: frozenset[bytes] = frozenset()
        """Digests of messages that are sent to their own model without extras, as to any other.

        It is replaced and never changed, because calls in progress keep the one they began with.
        """
        self._by_endpoint: WeakKeyDictionary[
            Endpoint, dict[tuple[str, str, ModelApi], ModelState]
        ] = WeakKeyDictionary()

    def get(self, model: ResolvedModel, endpoint: Endpoint, api: ModelApi) -> ModelState:
        """Return the state of a model behind one API."""
        states = self._by_endpoint.setdefault(endpoint, {})
        key = (model.provider, model.name, api)
        if key not in states:
            states[key] = ModelState(CircuitBreaker(*key))
        return states[key]

    def choose_api(self, model: ResolvedModel, endpoint: Endpoint, wanted: ModelApi) -> ModelApi:
        """Return the wanted API, or the record's if the server lacks it."""
        is_missing = self.get(model, endpoint, wanted).get_adaptation(model).is_api_missing
        return model.api if is_missing else wanted

    def seconds_until_retry(self, model: ResolvedModel, request: ModelRequest, now: float) -> float:
        """Return the seconds until the model's circuit allows a request; 0: it does now."""
        if model.endpoint is None:
            return 0.0
        api = self.choose_api(model, model.endpoint, request.api or model.api)
        return self.get(model, model.endpoint, api).breaker.seconds_until_retry(now)

    def add_rejected_extras(self, digests: frozenset[bytes]) -> None:
        """Store digests of messages whose extras their own model has rejected."""
        if digests:  # rare, and a copy takes time
            is_full = len(self.rejected_extras) > MAX_REJECTED_EXTRAS
            self.rejected_extras = digests if is_full else self.rejected_extras | digests
