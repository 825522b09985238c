"""Gets an answer: adapts to what a model takes, tries again, falls back to another model."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ..core.errors import (
    ContextTooLong,
    EmptyAnswer,
    LeftAlone,
    NoTimeLeft,
    NotServed,
    ParameterRefused,
)
from ..messages.completion import Completion, read_completion
from .breaker import PAUSE_SECONDS, Asking, Breaker
from .model_endpoint import ATTEMPT_SECONDS, Endpoint
from .model_parameters import LearntParameters
from .model_request import ModelRequest

TRIES = 3
BACKOFF_SECONDS = 0.5
FALLBACK_SECONDS = 30.0
"""What is kept of a turn's time for the other model."""
LEFT_ALONE_SECONDS = 2 * PAUSE_SECONDS
"""How long one request may wait for a model that is left alone or being probed: who waits holds a
slot that others need."""
LEAST_SECONDS = 0.5
"""With less time left no call is begun."""

MODEL_SECONDS = Histogram(
    "smart_assistant_model_seconds",
    "Calls of a model, each attempt by itself",
    ["model", "outcome"],
    buckets=(0.05, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
TOKENS = Counter("smart_assistant_tokens_total", "Tokens as the model counts", ["model", "kind"])

log = structlog.stdlib.get_logger()


class ModelClient:
    """Answers of any model of one endpoint. Knows no conversation."""

    def __init__(
        self,
        endpoint: Endpoint,
        default_model: str,
        fallback_model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._default = default_model
        self._fallback = fallback_model
        self._parameters = LearntParameters(parameters)
        self._breakers: dict[str, Breaker] = {}

    async def complete(self, request: ModelRequest, deadline: float, down: set[str]) -> Completion:
        """The answer, before the `deadline` by the event loop's clock.

        `down` grows by the models that were away. Raises UpstreamUnavailable, UpstreamRejected or
        EmptyAnswer where no model answered, and ContextTooLong.
        """
        own = request.model or self._default
        wanted = dict.fromkeys((own, self._fallback or own))
        models = self._willing([one for one in wanted if one not in down])
        failure: UpstreamError = LeftAlone()
        for model in models:
            is_last = model == models[-1]
            until = deadline if is_last else deadline - FALLBACK_SECONDS
            try:
                return await self._insist(
                    model, request, until, is_own=model == own, is_last=is_last
                )
            except ContextTooLong:
                raise
            except UpstreamError as error:
                log.warning("model failed", model=model, reason=error.message)
                failure = error
                if isinstance(error, UpstreamUnavailable):
                    down.add(model)
        raise failure

    def _willing(self, models: list[str]) -> list[str]:
        """Those that are not left alone; where all are, the one that may soon be asked again."""
        free = [one for one in models if not self._pause_of(one)]
        soon = [one for one in models if self._pause_of(one) <= PAUSE_SECONDS]
        return free or sorted(soon, key=self._pause_of)[:1]

    async def _insist(
        self, model: str, request: ModelRequest, until: float, *, is_own: bool, is_last: bool
    ) -> Completion:
        """Ask one model until it answers or there is no sense in asking it again."""
        tries, has_been_empty, begun = 1, False, _now()
        while True:
            parameters = self._parameters.of(self._endpoint.base_url, model)
            body = request.body(model, parameters, is_own=is_own)
            try:
                return await self._ask_once(model, body, request.key, until)
            except ParameterRefused as refused:
                url = self._endpoint.base_url
                if not self._parameters.learn(url, model, parameters, refused.parameters):
                    raise
                log.info("parameters adapted", model=model, named=refused.parameters)
            except EmptyAnswer:
                if has_been_empty:
                    raise
                has_been_empty = True
            except UpstreamUnavailable as error:
                pause = self._pause_of(model)
                wait = max(_backoff(tries, error.retry_after), pause)
                if tries == TRIES or _now() + wait + LEAST_SECONDS > until:
                    raise
                if pause and (not is_last or _now() + wait > begun + LEFT_ALONE_SECONDS):
                    raise
                log.info("model is asked again", model=model, reason=error.message, seconds=wait)
                tries += not isinstance(error, LeftAlone)
                await asyncio.sleep(wait)

    async def _ask_once(self, model: str, body: bytes, key: str, until: float) -> Completion:
        started = _now()
        seconds = min(ATTEMPT_SECONDS, until - started)
        if seconds < LEAST_SECONDS:
            raise NoTimeLeft
        breaker = self._breaker(model)
        asking = breaker.begin(started)
        if asking is None:
            raise LeftAlone
        outcome = "failed"
        try:
            answer = await self._endpoint.ask(body, seconds)
            took = _now() - started
            completion = read_completion(answer, model=model, key=key, seconds=took)
            outcome = "answered"
        except UpstreamError as error:
            outcome = "refused" if isinstance(error, UpstreamRejected) else outcome
            self._judge(breaker, asking, error)
            raise
        except BaseException:
            breaker.abandoned(asking)
            raise
        finally:
            MODEL_SECONDS.labels(model, outcome).observe(_now() - started)
        breaker.answered()
        _count_tokens(completion)
        return completion

    def _judge(self, breaker: Breaker, asking: Asking, error: UpstreamError) -> None:
        """Whose fault it was: what a conversation brings about says nothing of the model."""
        if isinstance(error, NotServed):
            # where nobody else could be asked, an account filled again should show at once
            breaker.failed(asking, _now(), (self._fallback and error.seconds) or None)
        elif isinstance(error, UpstreamUnavailable):
            breaker.failed(asking, _now())
        else:
            breaker.answered()

    def _pause_of(self, model: str) -> float:
        return self._breaker(model).seconds_left(_now())

    def _breaker(self, model: str) -> Breaker:
        if model not in self._breakers:
            self._breakers[model] = Breaker(model)
        return self._breakers[model]


def _now() -> float:
    """By the clock of the time-outs."""
    return asyncio.get_running_loop().time()


def _backoff(tries: int, asked_for: float | None) -> float:
    """How long to wait; never less than the server asked for."""
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    own = float(BACKOFF_SECONDS * 2 ** (tries - 1) * jitter)
    return own if asked_for is None else asked_for + own / 5


def _count_tokens(completion: Completion) -> None:
    TOKENS.labels(completion.model, "prompt").inc(completion.prompt_tokens)
    TOKENS.labels(completion.model, "cached").inc(completion.cached_tokens)
    TOKENS.labels(completion.model, "completion").inc(completion.completion_tokens)
