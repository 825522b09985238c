"""Asks one model once, and judges what comes of it."""

from datetime import datetime

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ...core.errors import (
    CutOff,
    EmptyAnswer,
    GaveUp,
    LeftAlone,
    NoTimeLeft,
    NotServed,
    Tokens,
    Unreadable,
)
from ...messages.completion import Completion
from .api import Answer, Api, Asking
from .breaker import Breaker, Errand
from .endpoint import ATTEMPT_SECONDS, CONNECT_SECONDS, Endpoint
from .meters import MODEL_SECONDS, count
from .patience import LEAST_SECONDS, Patience, now
from .served import ServedModel


async def ask_once(
    asking: Asking, api: Api, endpoint: Endpoint, breaker: Breaker, patience: Patience
) -> Completion:
    """The answer. Raises UpstreamError; how the model is, its breaker is told."""
    model, started, started_at = asking.model, now(), utc_now()
    seconds = min(ATTEMPT_SECONDS, patience.until - started)
    if seconds < LEAST_SECONDS:
        raise NoTimeLeft
    errand = breaker.begin(started)
    if errand is None:
        raise LeftAlone
    outcome = "failed"
    try:
        answer = await _answer(asking, api, endpoint, seconds)
        outcome = "answered"
    except UpstreamError as error:
        outcome = "refused" if isinstance(error, UpstreamRejected) else outcome
        _judge(breaker, errand, error, has_others=patience.has_others)
        raise
    except BaseException:
        breaker.abandoned(errand)
        raise
    finally:
        MODEL_SECONDS.labels(model.provider, model.name, outcome).observe(now() - started)
    breaker.answered()
    if answer.tokens is not None:
        count(asking, answer.tokens)
    return _completion(asking, answer, started, started_at)


def _completion(asking: Asking, answer: Answer, started: float, started_at: datetime) -> Completion:
    model, tokens = asking.model, answer.tokens or asking.request.expected_tokens
    prompt, cached, completion = tokens
    return Completion(
        model=model.name,
        provider=model.provider,
        message=answer.message,
        added={"by": model.writer, **answer.added} if answer.added else {},
        text=answer.text,
        calls=answer.calls,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost=model.prices.cost(*tokens),
        finish_reason=answer.finish_reason,
        seconds=now() - started,
        started_at=started_at,
    )


async def _answer(asking: Asking, api: Api, endpoint: Endpoint, seconds: float) -> Answer:
    assembly = api.assembly() if asking.sent.get("stream") else None
    listener = asking.request.listener
    body = api.body(asking).encode()
    answered = await endpoint.ask(api.path, body, seconds, assembly, listener)
    return api.read(answered, asking.request.key)


def _judge(breaker: Breaker, errand: Errand, error: UpstreamError, *, has_others: bool) -> None:
    """Whose fault it was: what a conversation brings about says nothing of the model."""
    if isinstance(error, NotServed):
        # where nobody else could be asked, an account filled again should show at once
        breaker.failed(errand, now(), (has_others and error.seconds) or None)
    elif isinstance(error, UpstreamUnavailable):
        breaker.failed(errand, now())
    else:
        breaker.answered()


def failure_of(
    model: ServedModel,
    reason: str,
    seconds: float = 0.0,
    asking: Asking | None = None,
    error: UpstreamError | None = None,
) -> ModelFailure:
    """How it is noted, with what it cost."""
    prompt, cached, completion = tokens = _paid(asking, error, seconds)
    return ModelFailure(
        model=model.name,
        provider=model.provider,
        reason=reason,
        seconds=round(seconds, 3),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost=model.prices.cost(*tokens) if any(tokens) else None,
    )


def _paid(asking: Asking | None, error: UpstreamError | None, seconds: float) -> Tokens:
    """What providers bill for an attempt in vain: all that the model wrote or was about to."""
    if asking is None or error is None:
        return 0, 0, 0
    if isinstance(error, EmptyAnswer | Unreadable | GaveUp):
        return error.tokens or asking.request.expected_tokens
    is_at_work = isinstance(error, CutOff) and error.has_begun
    if is_at_work or (isinstance(error.__cause__, TimeoutError) and seconds > CONNECT_SECONDS):
        return asking.request.expected_tokens  # a connection takes no longer: it was asked
    return 0, 0, 0
