"""Calls one model until it answers or another attempt makes no sense: the whole retry policy."""

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ...core.errors import (
    CircuitOpen,
    ContextLengthExceeded,
    DeadlineExceeded,
    EmptyResponse,
    ModelNotAccessible,
    StreamInterrupted,
    UnsupportedParameter,
)
from ...messages.completion import Completion
from .attempt import call_model, loop_time, to_failure
from .circuit_breaker import OPEN_SECONDS, CircuitBreaker
from .model_state import ModelStates
from .protocols.base import ModelCall, ModelProtocol
from .protocols.chat_completions import ChatCompletionsProtocol
from .protocols.responses import ResponsesProtocol
from .rejected_extras import digest_items_with_extras
from .request import ModelRequest
from .request_adaptation import RequestAdaptation
from .resolved_model import ResolvedModel
from .transport.endpoint import ATTEMPT_TIMEOUT_SECONDS

PROTOCOLS: Mapping[ModelApi, ModelProtocol] = {
    "chat": ChatCompletionsProtocol(),
    "responses": ResponsesProtocol(),
}
MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
"""Seconds before the second attempt, without jitter; they double with each further one."""
MAX_BREAKER_WAIT_SECONDS = 2 * OPEN_SECONDS
"""Seconds that one call may wait for an open circuit: a waiting turn occupies a worker slot."""
MIN_CALL_SECONDS = 0.5
"""Seconds that must be left before the deadline to start an attempt."""
MAX_ADAPTATIONS = 12
"""How often one call may be adapted to the model's refusals."""
_AMBIGUOUS_STATUSES = (None, 400, 404, 422)
"""Statuses with which a model may reject its own earlier output (see rejected_extras)."""
_MISSING_PATH_STATUSES = (404, 405)

log = structlog.stdlib.get_logger()


@dataclass
class RetryPolicy:
    """Decides whether one call of one model is repeated, and when."""

    deadline: float
    """Latest time to wait for an answer, by the event loop's clock."""
    is_last: bool
    """Whether no model of the chain follows."""
    has_fallbacks: bool
    """Whether the chain has other models at all."""
    attempts: int = 1
    adaptations: int = 0
    started_at: float = field(default_factory=loop_time)
    retried_errors: set[type[UpstreamError]] = field(default_factory=set)
    """Error types that are retried once only and have been retried."""

    def next_delay(self, error: UpstreamError, breaker_delay: float) -> float | None:
        """Return the delay before the next attempt, in seconds; None: do not try again.

        `breaker_delay` are the seconds until the model's circuit allows a request.
        """
        if isinstance(error, EmptyResponse | StreamInterrupted):
            is_hopeless = isinstance(error, EmptyResponse) and error.is_filtered
            is_over = loop_time() + MIN_CALL_SECONDS > self.deadline
            if is_hopeless or is_over or type(error) in self.retried_errors:
                return None
            self.retried_errors.add(type(error))
            return 0.0
        if not isinstance(error, UpstreamUnavailable):
            return None
        delay = max(_backoff_delay(self.attempts, error.retry_after), breaker_delay)
        ready = loop_time() + delay
        is_late = ready + MIN_CALL_SECONDS > self.deadline
        is_breaker_too_slow = breaker_delay and (
            not self.is_last or ready > self.started_at + MAX_BREAKER_WAIT_SECONDS
        )
        if self.attempts == MAX_ATTEMPTS or is_late or is_breaker_too_slow:
            return None
        self.attempts += not isinstance(error, CircuitOpen)
        return delay

    def adapt(
        self, adaptation: RequestAdaptation, error: UpstreamError, parameters: Mapping[str, Any]
    ) -> RequestAdaptation | None:
        """Return how to change the request after an unsupported parameter; None: not that error."""
        if not isinstance(error, UnsupportedParameter) or self.adaptations == MAX_ADAPTATIONS:
            return None
        self.adaptations += 1
        return adaptation.adapt(error, parameters)


async def call_with_retries(
    model: ResolvedModel,
    request: ModelRequest,
    policy: RetryPolicy,
    states: ModelStates,
    failures: list[ModelFailure],
) -> Completion:
    """Return the model's answer; each failed attempt is added to `failures`. Raises UpstreamError.

    A refusal changes the next request: its parameters, what it returns of the model's own earlier
    output, or its API. What made an answer possible is saved in `states`.
    """
    if model.endpoint is None:
        failures.append(to_failure(model, model.unavailable_reason))
        raise ModelNotAccessible(model.unavailable_reason)
    wanted_api = api = states.choose_api(model, model.endpoint, request)
    state, rejected = states.get(model, model.endpoint, api), frozenset[bytes]()
    adaptation = state.get_adaptation(model)
    while True:
        parameters = adaptation.apply(PROTOCOLS[api].build_parameters(request, model))
        ignored = states.rejected_extras.union(rejected)
        call = ModelCall(request, model, parameters, adaptation, ignored)
        started = loop_time()
        try:
            with _guard_attempt(state.breaker, policy) as seconds:
                completion = await call_model(call, PROTOCOLS[api], model.endpoint, seconds)
        except UpstreamError as error:
            if (adapted := policy.adapt(adaptation, error, parameters)) is not None:
                adaptation = adapted
                log.info("model request adapted", model=model.name, reason=error.message)
                continue
            failures.append(to_failure(model, error.message, loop_time() - started, call, error))
            if newly_rejected := _find_rejected_extras(call, PROTOCOLS[api], error):
                rejected |= newly_rejected
            elif api != model.api and _is_missing_path(error):
                api, rejected = model.api, frozenset[bytes]()
                state = states.get(model, model.endpoint, api)
                adaptation = state.get_adaptation(model)
            else:
                await _sleep_before_retry(model, error, policy, state.breaker)
        else:
            state.save_adaptation(model, adaptation)
            states.rejected_extras.add(rejected)
            if api != wanted_api:
                missing_api = states.get(model, model.endpoint, wanted_api)
                missing_api.save_adaptation(model, RequestAdaptation(is_api_missing=True))
            return completion


@contextlib.contextmanager
def _guard_attempt(breaker: CircuitBreaker, policy: RetryPolicy) -> Iterator[float]:
    """Check deadline and circuit breaker before an attempt, and record its result in the breaker.

    Yields the seconds that the attempt may take. Raises DeadlineExceeded and CircuitOpen.
    """
    started = loop_time()
    seconds = min(ATTEMPT_TIMEOUT_SECONDS, policy.deadline - started)
    if seconds < MIN_CALL_SECONDS:
        raise DeadlineExceeded
    permit = breaker.acquire(started)
    if permit is None:
        raise CircuitOpen
    try:
        yield seconds
    except ModelNotAccessible as error:
        # Without fallbacks the circuit must not stay open for minutes: a user who has topped up
        # their account expects an answer to the next message.
        pause = error.pause_seconds if policy.has_fallbacks else 0.0
        breaker.record_failure(permit, loop_time(), pause or None)
        raise
    except UpstreamUnavailable:
        breaker.record_failure(permit, loop_time())
        raise
    except UpstreamError:  # the request caused it, so the model itself is healthy
        breaker.record_success()
        raise
    except BaseException:
        breaker.release(permit)
        raise
    breaker.record_success()


def _find_rejected_extras(
    call: ModelCall, protocol: ModelProtocol, error: UpstreamError
) -> frozenset[bytes]:
    """Return the digests of the model's own messages in the request, if the model may have rejected
    what it added to them; empty: another reason, or they were already sent without it."""
    is_explained = isinstance(error, ModelNotAccessible | ContextLengthExceeded)
    if (
        is_explained
        or not isinstance(error, UpstreamRejected)
        or error.status not in _AMBIGUOUS_STATUSES
    ):
        return frozenset()
    digests = digest_items_with_extras(call.items, call.model.writer, protocol.extras_names)
    return digests.difference(call.rejected_digests)


def _is_missing_path(error: UpstreamError) -> bool:
    return isinstance(error, UpstreamRejected) and error.status in _MISSING_PATH_STATUSES


async def _sleep_before_retry(
    model: ResolvedModel, error: UpstreamError, policy: RetryPolicy, breaker: CircuitBreaker
) -> None:
    """Wait until the next attempt. Raises the error where the policy allows no further one."""
    delay = policy.next_delay(error, breaker.seconds_until_retry(loop_time()))
    if delay is None:
        raise error
    log.info("model call retried", model=model.name, reason=error.message, seconds=delay)
    await asyncio.sleep(delay)


def _backoff_delay(attempts: int, retry_after: float | None) -> float:
    """Return the delay in seconds: exponential with jitter, never less than `retry_after`."""
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    own = float(BACKOFF_SECONDS * 2 ** (attempts - 1) * jitter)
    return own if retry_after is None else retry_after + own / 5
