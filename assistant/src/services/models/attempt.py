"""One attempt at one model: sends the request, parses the response, and counts what it cost."""

import asyncio
from datetime import datetime

import structlog
from prometheus_client import Counter, Histogram

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected

from ...core.errors import (
    EmptyResponse,
    MalformedResponse,
    StreamInterrupted,
    TokenUsage,
)
from ...messages.completion import Completion
from .model_registry import ResolvedModel
from .protocols.base import ModelCall, ParsedResponse
from .transport.endpoint import CONNECT_TIMEOUT_SECONDS, Endpoint

MAX_CHARACTERS_PER_TOKEN = 6
"""Upper bound of the average, in any language."""
MIN_CHECKED_PROMPT_CHARACTERS = 2_000
"""Shorter prompts are not checked: the average says nothing about them."""

MODEL_SECONDS = Histogram(
    "smart_assistant_model_seconds",
    "Duration of model calls, each attempt separately",
    ["provider", "model", "outcome"],
    buckets=(0.05, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
TOKENS = Counter(
    "smart_assistant_tokens_total", "Tokens as the model counts them", ["provider", "model", "kind"]
)

log = structlog.stdlib.get_logger()


def loop_time() -> float:
    """Return the event loop's time, which all deadlines and timeouts use."""
    return asyncio.get_running_loop().time()


async def call_model(call: ModelCall, endpoint: Endpoint, timeout_seconds: float) -> Completion:
    """Send the request once and return the answer. Raises UpstreamError."""
    model, protocol, started, started_at = call.model, call.protocol, loop_time(), utc_now()
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
        _record_token_usage(call, response.tokens)
    return _build_completion(call, response, started, started_at)


def _record_token_usage(call: ModelCall, usage: TokenUsage) -> None:
    """Count tokens, and warn of a prompt with too few of them: its server has truncated it."""
    model, characters, given = call.model, call.request.characters, usage[0]
    for kind, tokens in zip(("prompt", "cached", "completion"), usage, strict=True):
        TOKENS.labels(model.provider, model.name, kind).inc(tokens)
    min_tokens = characters // MAX_CHARACTERS_PER_TOKEN
    if characters > MIN_CHECKED_PROMPT_CHARACTERS and 0 < given < min_tokens:
        log.warning(
            "model server truncates prompts: increase its context size",
            model=model.name,
            provider=model.provider,
            prompt_tokens=given,
            expected_at_least=min_tokens,
        )


def _build_completion(
    call: ModelCall, response: ParsedResponse, started: float, started_at: datetime
) -> Completion:
    model = call.model
    prompt, cached, completion = tokens = response.tokens or call.request.estimated_tokens
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
    if isinstance(error, EmptyResponse | MalformedResponse):
        return error.tokens or call.request.estimated_tokens
    is_generating = isinstance(error, StreamInterrupted) and error.has_started
    # connecting takes less time, so the request was sent
    is_unanswered = isinstance(error.__cause__, TimeoutError) and seconds > CONNECT_TIMEOUT_SECONDS
    return call.request.estimated_tokens if is_generating or is_unanswered else (0, 0, 0)
