"""Asks one model until it answers or there is no sense in asking it again."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected

from ...core.errors import ContextLengthExceeded, ModelNotAccessible, UnsupportedParameter
from ...messages.completion import Completion
from .attempt import call_model, to_failure
from .protocols.base import ModelCall, ModelProtocol
from .protocols.chat_completions import ChatCompletionsProtocol
from .protocols.responses import ResponsesProtocol
from .rejected_extras import RejectedExtras, digest_items_with_extras
from .request import ModelRequest
from .request_adaptation import AdaptationCache, RequestAdaptation
from .resilience.breaker_registry import BreakerRegistry
from .resilience.retry_policy import RetryPolicy, loop_time
from .resolved_model import ResolvedModel
from .transport.endpoint import Endpoint

PROTOCOLS: Mapping[ModelApi, ModelProtocol] = {
    "chat": ChatCompletionsProtocol(),
    "responses": ResponsesProtocol(),
}

MAX_ADAPTATIONS = 12
"""So often one request is adapted."""
_AMBIGUOUS_STATUSES = (None, 400, 404, 422)
"""With these a model may refuse what it said itself."""
_MISSING_PATH_STATUSES = (404, 405)

log = structlog.stdlib.get_logger()


class RetryingCaller:
    """What this process knows of models: how they are, and what they take."""

    def __init__(self) -> None:
        self._adaptations = AdaptationCache()
        self._breakers = BreakerRegistry()
        self._rejected_extras = RejectedExtras()

    async def call(
        self,
        model: ResolvedModel,
        request: ModelRequest,
        policy: RetryPolicy,
        failures: list[ModelFailure],
    ) -> Completion:
        """The answer; `failures` grows by attempts in vain. Raises as ModelClient.complete.

        Where the server does not have the API that the request wants, the model is asked by that
        of its record.
        """
        if model.endpoint is None:
            failures.append(to_failure(model, model.unavailable_reason))
            raise ModelNotAccessible(model.unavailable_reason)
        name, endpoint = self._choose_api(model, model.endpoint, request), model.endpoint
        try:
            return await self._call_with_retries(name, model, endpoint, request, policy, failures)
        except UpstreamRejected as error:
            if name == model.api or error.status not in _MISSING_PATH_STATUSES:
                raise
        completion = await self._call_with_retries(
            model.api, model, endpoint, request, policy, failures
        )
        self._adaptations.set(model, endpoint, name, RequestAdaptation(is_api_missing=True))
        return completion

    async def _call_with_retries(
        self,
        name: ModelApi,
        model: ResolvedModel,
        endpoint: Endpoint,
        request: ModelRequest,
        policy: RetryPolicy,
        failures: list[ModelFailure],
    ) -> Completion:
        protocol, breaker = PROTOCOLS[name], self._breakers.get(model, endpoint, name)
        cached = adaptation = self._adaptations.get(model, endpoint, name)
        rejected: frozenset[bytes] = frozenset()
        while True:
            parameters = adaptation.apply(protocol.build_parameters(request, model))
            call = ModelCall(
                request, model, parameters, adaptation, self._rejected_extras | rejected
            )
            started = loop_time()
            try:
                completion = await call_model(call, protocol, endpoint, breaker, policy)
            except UpstreamError as error:
                if (next_adaptation := _adapt(adaptation, error, parameters, policy)) is not None:
                    adaptation = next_adaptation
                    log.info("model request adapted", model=model.name, reason=error.message)
                    continue
                failures.append(
                    to_failure(model, error.message, loop_time() - started, call, error)
                )
                if newly_rejected := _find_rejected_extras(call, protocol, error):
                    rejected |= newly_rejected
                    continue
                delay = policy.next_delay(error, breaker.seconds_until_retry(loop_time()))
                if delay is None:
                    raise
                log.info(
                    "model call retried", model=model.name, reason=error.message, seconds=delay
                )
                await asyncio.sleep(delay)
            else:
                if adaptation is not cached:
                    self._adaptations.set(model, endpoint, name, adaptation)
                self._rejected_extras.add(rejected)
                return completion

    def get_retry_delay(self, model: ResolvedModel, request: ModelRequest) -> float:
        """Seconds until it is worth asking; 0 where it may be asked."""
        if model.endpoint is None:
            return 0.0
        api = self._choose_api(model, model.endpoint, request)
        return self._breakers.get(model, model.endpoint, api).seconds_until_retry(loop_time())

    def _choose_api(
        self, model: ResolvedModel, endpoint: Endpoint, request: ModelRequest
    ) -> ModelApi:
        wanted = request.api or model.api
        is_absent = self._adaptations.get(model, endpoint, wanted).is_api_missing
        return model.api if is_absent else wanted


def _adapt(
    adaptation: RequestAdaptation,
    error: UpstreamError,
    parameters: Mapping[str, Any],
    policy: RetryPolicy,
) -> RequestAdaptation | None:
    """What to try after a refusal; kept only once it was answered."""
    if not isinstance(error, UnsupportedParameter) or policy.adaptations == MAX_ADAPTATIONS:
        return None
    policy.adaptations += 1
    return adaptation.adapt(error, parameters)


def _find_rejected_extras(
    call: ModelCall, protocol: ModelProtocol, error: UpstreamError
) -> frozenset[bytes]:
    """The model's own messages, where they may be what it refuses, and it was sent them."""
    is_explained = isinstance(error, ModelNotAccessible | ContextLengthExceeded)
    if (
        is_explained
        or not isinstance(error, UpstreamRejected)
        or error.status not in _AMBIGUOUS_STATUSES
    ):
        return frozenset()
    digests = digest_items_with_extras(call.items, call.model.writer, protocol.extras_names)
    return digests.difference(call.rejected_digests)
