"""Calls one model until it answers or another attempt makes no sense: the whole retry policy."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from smart_kit.backoff import Backoff
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
from .model_registry import ResolvedModel
from .model_state import ModelStates
from .protocols.base import ModelCall, ModelProtocol
from .protocols.chat_completions import CHAT_COMPLETIONS
from .protocols.responses import RESPONSES
from .request import ModelRequest
from .request_adaptation import RequestAdaptation
from .transport.endpoint import ATTEMPT_TIMEOUT_SECONDS, Endpoint

PROTOCOLS: Mapping[ModelApi, ModelProtocol] = {
    "chat": CHAT_COMPLETIONS,
    "responses": RESPONSES,
}
MAX_ATTEMPTS = 3
MAX_BREAKER_WAIT_SECONDS = 2 * OPEN_SECONDS
"""Seconds that one call may wait for an open circuit: a waiting turn occupies a worker slot."""
MIN_CALL_SECONDS = 0.5
"""Seconds that must be left before the deadline to start an attempt."""
MAX_ADAPTATIONS = 12
"""How often one call may be adapted to the model's refusals."""
_AMBIGUOUS_STATUSES = (None, 400, 404, 422)
"""Statuses with which a model may reject its own earlier output."""

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
    backoff: Backoff = field(default_factory=Backoff)
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
        is_last_attempt = self.backoff.failures == MAX_ATTEMPTS - 1
        if is_last_attempt or not isinstance(error, UpstreamUnavailable):
            return None
        delay = breaker_delay
        if not isinstance(error, CircuitOpen):  # without a request it was no attempt
            own = self.backoff.next_delay()
            asked = own if error.retry_after is None else error.retry_after + own / 5
            delay = max(asked, breaker_delay)
        ready = loop_time() + delay
        is_late = ready + MIN_CALL_SECONDS > self.deadline
        is_breaker_too_slow = breaker_delay and (
            not self.is_last or ready > self.started_at + MAX_BREAKER_WAIT_SECONDS
        )
        return None if is_late or is_breaker_too_slow else delay

    def adapt_request(self, call: ModelCall, error: UpstreamError) -> RequestAdaptation | None:
        """Return how to change the request after an unsupported parameter; None: not that error."""
        if not isinstance(error, UnsupportedParameter) or self.adaptations == MAX_ADAPTATIONS:
            return None
        self.adaptations += 1
        adapted = call.adaptation.extend_for_refusal(error, call.parameters)
        if adapted is not None:
            log.info("model request adapted", model=call.model.name, reason=error.message)
        return adapted


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
    endpoint = _require_endpoint(model, failures)
    wanted_api = api = states.choose_api(model, endpoint, request.api or model.api)
    rejected, adaptation = frozenset[bytes](), None
    while True:
        state = states.get(model, endpoint, api)
        adaptation = adaptation or state.get_adaptation(model)
        started = loop_time()
        ignored = states.rejected_extras | rejected if rejected else states.rejected_extras
        call = ModelCall(request, model, PROTOCOLS[api], adaptation, ignored)
        try:
            with _guard_attempt(state.breaker, policy) as seconds:
                completion = await call_model(call, endpoint, seconds)
        except UpstreamError as error:
            if (adapted := policy.adapt_request(call, error)) is not None:
                adaptation = adapted
                continue
            failures.append(to_failure(model, error.message, loop_time() - started, call, error))
            if newly_rejected := _find_rejected_extras(call, error):
                rejected |= newly_rejected
            elif api != model.api and _is_api_missing(error):
                api, rejected, adaptation = model.api, frozenset[bytes](), None
            else:
                await _sleep_before_retry(model, error, policy, state.breaker)
        else:
            state.save_adaptation(model, adaptation)
            states.add_rejected_extras(rejected)
            if api != wanted_api:
                states.get(model, endpoint, wanted_api).save_missing_api(model)
            return completion


def _require_endpoint(model: ResolvedModel, failures: list[ModelFailure]) -> Endpoint:
    if model.endpoint is None:
        failures.append(to_failure(model, model.unavailable_reason))
        raise ModelNotAccessible(model.unavailable_reason)
    return model.endpoint


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
        breaker.record_failure(permit, loop_time(), pause)
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


def _find_rejected_extras(call: ModelCall, error: UpstreamError) -> frozenset[bytes]:
    """Return the digests of the model's own messages in the request, if the model may have rejected
    what it added to them; empty: another reason, or they were already sent without it."""
    is_explained = isinstance(error, ModelNotAccessible | ContextLengthExceeded)
    is_rejected = isinstance(error, UpstreamRejected) and error.status in _AMBIGUOUS_STATUSES
    return call.digest_sent_extras() if is_rejected and not is_explained else frozenset()


def _is_api_missing(error: UpstreamError) -> bool:
    return isinstance(error, UpstreamRejected) and error.status in (404, 405)


async def _sleep_before_retry(
    model: ResolvedModel, error: UpstreamError, policy: RetryPolicy, breaker: CircuitBreaker
) -> None:
    """Wait until the next attempt. Raises the error if the policy allows no further one."""
    delay = policy.next_delay(error, breaker.seconds_until_retry(loop_time()))
    if delay is None:
        raise error
    log.info("model call retried", model=model.name, reason=error.message, seconds=delay)
    await asyncio.sleep(delay)
