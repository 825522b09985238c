"""One attempt at one model: sends the request, parses the response, and accounts for failures."""

import asyncio
from datetime import datetime

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected

from ...core.errors import (
    EmptyResponse,
    GenerationFailed,
    MalformedResponse,
    StreamInterrupted,
    TokenUsage,
)
from ...messages.completion import Completion
from .metrics import MODEL_SECONDS, record_token_usage
from .protocols.base import ModelCall, ModelProtocol, ParsedResponse
from .resolved_model import ResolvedModel
from .transport.endpoint import CONNECT_TIMEOUT_SECONDS, Endpoint


def loop_time() -> float:
    """Return the event loop's time, which all deadlines and timeouts use."""
    return asyncio.get_running_loop().time()


async def call_model(
    call: ModelCall, protocol: ModelProtocol, endpoint: Endpoint, timeout_seconds: float
) -> Completion:
    """Send the request once and return the answer. Raises UpstreamError."""
    model, started, started_at = call.model, loop_time(), utc_now()
    accumulator = protocol.create_accumulator() if call.parameters.get("stream") else None
    body = protocol.build_body(call).encode()
    outcome = "failed"
    try:
        raw = await endpoint.post(
            protocol.path, body, timeout_seconds, accumulator, call.request.listener
        )
        response = protocol.parse_response(raw, call.request.key)
        outcome = "answered"
    except UpstreamRejected:
        outcome = "refused"
        raise
    finally:
        MODEL_SECONDS.labels(model.provider, model.name, outcome).observe(loop_time() - started)
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


def to_failure(
    model: ResolvedModel,
    reason: str,
    seconds: float = 0.0,
    call: ModelCall | None = None,
    error: UpstreamError | None = None,
) -> ModelFailure:
    """Return the record of a failed attempt, with its cost."""
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
    """Return the tokens that providers bill for a failed attempt: those that the model generated
    or was about to generate."""
    if call is None or error is None:
        return 0, 0, 0
    if isinstance(error, EmptyResponse | MalformedResponse | GenerationFailed):
        return error.tokens or call.request.estimated_tokens
    is_generating = isinstance(error, StreamInterrupted) and error.has_started
    if is_generating or (
        isinstance(error.__cause__, TimeoutError) and seconds > CONNECT_TIMEOUT_SECONDS
    ):
        return call.request.estimated_tokens  # connecting takes less time: the request was sent
    return 0, 0, 0
