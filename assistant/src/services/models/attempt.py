"""Asks one model once, and judges what comes of it."""

from datetime import datetime

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ...core.errors import (
    CircuitOpen,
    DeadlineExceeded,
    EmptyResponse,
    GenerationFailed,
    MalformedResponse,
    ModelNotAccessible,
    StreamInterrupted,
    TokenUsage,
)
from ...messages.completion import Completion
from .metrics import MODEL_SECONDS, record_token_usage
from .protocols.base import ModelCall, ModelProtocol, ParsedResponse
from .resilience.circuit_breaker import CircuitBreaker, Permit
from .resilience.retry_policy import MIN_CALL_SECONDS, RetryPolicy, loop_time
from .resolved_model import ResolvedModel
from .transport.endpoint import ATTEMPT_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS, Endpoint


async def call_model(
    call: ModelCall,
    protocol: ModelProtocol,
    endpoint: Endpoint,
    breaker: CircuitBreaker,
    policy: RetryPolicy,
) -> Completion:
    """The answer. Raises UpstreamError; how the model is, its breaker is told."""
    model, started, started_at = call.model, loop_time(), utc_now()
    seconds = min(ATTEMPT_TIMEOUT_SECONDS, policy.deadline - started)
    if seconds < MIN_CALL_SECONDS:
        raise DeadlineExceeded
    permit = breaker.acquire(started)
    if permit is None:
        raise CircuitOpen
    outcome = "failed"
    try:
        response = await _send(call, protocol, endpoint, seconds)
        outcome = "answered"
    except UpstreamError as error:
        outcome = "refused" if isinstance(error, UpstreamRejected) else outcome
        _record_failure(breaker, permit, error, has_fallbacks=policy.has_fallbacks)
        raise
    except BaseException:
        breaker.release(permit)
        raise
    finally:
        MODEL_SECONDS.labels(model.provider, model.name, outcome).observe(loop_time() - started)
    breaker.record_success()
    if response.tokens is not None:
        record_token_usage(call, response.tokens)
    return _build_completion(call, response, started, started_at)


def _build_completion(
    call: ModelCall, response: ParsedResponse, started: float, started_at: datetime
) -> Completion:
    model, tokens = call.model, response.tokens or call.request.estimated_tokens
    prompt, cached, completion = tokens
    return Completion(
        model=model.name,
        provider=model.provider,
        message=response.message,
        extras={"by": model.writer, **response.extras} if response.extras else {},
        text=response.text,
        calls=response.calls,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost=model.prices.calculate_cost(*tokens),
        finish_reason=response.finish_reason,
        seconds=loop_time() - started,
        started_at=started_at,
    )


async def _send(
    call: ModelCall, protocol: ModelProtocol, endpoint: Endpoint, seconds: float
) -> ParsedResponse:
    accumulator = protocol.create_accumulator() if call.parameters.get("stream") else None
    listener = call.request.listener
    body = protocol.build_body(call).encode()
    response = await endpoint.send(protocol.path, body, seconds, accumulator, listener)
    return protocol.parse_response(response, call.request.key)


def _record_failure(
    breaker: CircuitBreaker, permit: Permit, error: UpstreamError, *, has_fallbacks: bool
) -> None:
    """Whose fault it was: what a conversation brings about says nothing of the model."""
    if isinstance(error, ModelNotAccessible):
        # where nobody else could be asked, an account filled again should show at once
        breaker.record_failure(permit, loop_time(), (has_fallbacks and error.pause_seconds) or None)
    elif isinstance(error, UpstreamUnavailable):
        breaker.record_failure(permit, loop_time())
    else:
        breaker.record_success()


def to_failure(
    model: ResolvedModel,
    reason: str,
    seconds: float = 0.0,
    call: ModelCall | None = None,
    error: UpstreamError | None = None,
) -> ModelFailure:
    """How it is noted, with what it cost."""
    prompt, cached, completion = tokens = _estimate_billed_tokens(call, error, seconds)
    return ModelFailure(
        model=model.name,
        provider=model.provider,
        reason=reason,
        seconds=round(seconds, 3),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost=model.prices.calculate_cost(*tokens) if any(tokens) else None,
    )


def _estimate_billed_tokens(
    call: ModelCall | None, error: UpstreamError | None, seconds: float
) -> TokenUsage:
    """What providers bill for an attempt in vain: all that the model wrote or was about to."""
    if call is None or error is None:
        return 0, 0, 0
    if isinstance(error, EmptyResponse | MalformedResponse | GenerationFailed):
        return error.tokens or call.request.estimated_tokens
    is_generating = isinstance(error, StreamInterrupted) and error.has_started
    if is_generating or (
        isinstance(error.__cause__, TimeoutError) and seconds > CONNECT_TIMEOUT_SECONDS
    ):
        return call.request.estimated_tokens  # a connection takes no longer: it was asked
    return 0, 0, 0
