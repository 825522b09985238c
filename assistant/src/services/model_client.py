"""Gets an answer: adapts to what a model takes, tries again, falls back to another model."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ..core.errors import ContextTooLong, EmptyAnswer, ParameterRefused
from ..messages.completion import Completion, read_completion
from ..messages.item import Item, encode
from .model_endpoint import ATTEMPT_SECONDS, Endpoint
from .model_parameters import LearntParameters, Parameters

TRIES = 3
BACKOFF_SECONDS = 0.5
FALLBACK_SECONDS = 30.0
"""What is kept of a turn's time for the other model."""
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


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked. The parts are JSON already, so that what repeats is the same bytes."""

    model: str | None
    """None: the deployment's default."""
    system: str
    tools: str
    """A JSON array; empty: none are offered."""
    items: Sequence[Item]
    key: str
    """Message and step: the ids of calls are made from it."""
    may_call: bool = True
    """Whether it may still call functions."""

    def body(self, model: str, parameters: Parameters, *, is_own: bool) -> bytes:
        """The request; `is_own`: this model, and no fallback, wrote the history."""
        head: dict[str, Any] = {"model": model, **parameters.sent}
        if self.tools and not self.may_call and "tool_choice" not in parameters.values:
            head["tool_choice"] = "none"
        messages = [self.system]
        for item in self.items:
            keeps = item.model == model or (item.model is None and is_own)
            messages.append(item.json if keeps and parameters.keeps_extras else item.plain)
        tools = f'"tools":{self.tools},' if self.tools else ""
        return f'{encode(head)[:-1]},{tools}"messages":[{",".join(messages)}]}}'.encode()


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

    async def complete(self, request: ModelRequest, deadline: float, down: set[str]) -> Completion:
        """The answer, before the monotonic `deadline`. `down` grows by the models that were away.

        Raises UpstreamUnavailable, UpstreamRejected or EmptyAnswer where no model answered, and
        ContextTooLong.
        """
        own = request.model or self._default
        wanted = dict.fromkeys((own, self._fallback or own))
        models = [model for model in wanted if model not in down]
        failure: UpstreamError = UpstreamUnavailable("Every model has failed in this turn already")
        for model in models:
            until = deadline if model == models[-1] else deadline - FALLBACK_SECONDS
            try:
                return await self._insist(model, request, until, is_own=model == own)
            except ContextTooLong:
                raise
            except UpstreamError as error:
                log.warning("model failed", model=model, reason=error.message)
                failure = error
                if isinstance(error, UpstreamUnavailable):
                    down.add(model)
        raise failure

    async def _insist(
        self, model: str, request: ModelRequest, until: float, *, is_own: bool
    ) -> Completion:
        """Ask one model until it answers or there is no sense in asking it again."""
        tries, has_been_empty = 1, False
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
                wait = _backoff(tries) if error.retry_after is None else error.retry_after
                if tries == TRIES or time.monotonic() + wait + LEAST_SECONDS > until:
                    raise
                log.info("model is asked again", model=model, reason=error.message, seconds=wait)
                tries += 1
                await asyncio.sleep(wait)

    async def _ask_once(self, model: str, body: bytes, key: str, until: float) -> Completion:
        started = time.monotonic()
        seconds = min(ATTEMPT_SECONDS, until - started)
        if seconds < LEAST_SECONDS:
            raise UpstreamUnavailable("No time is left in this turn")
        outcome = "failed"
        try:
            answer = await self._endpoint.ask(body, seconds)
            took = time.monotonic() - started
            completion = read_completion(answer, model=model, key=key, seconds=took)
            outcome = "answered"
        except UpstreamRejected:
            outcome = "refused"
            raise
        finally:
            MODEL_SECONDS.labels(model, outcome).observe(time.monotonic() - started)
        _count_tokens(completion)
        return completion


def _backoff(tries: int) -> float:
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    return float(BACKOFF_SECONDS * 2 ** (tries - 1) * jitter)


def _count_tokens(completion: Completion) -> None:
    TOKENS.labels(completion.model, "prompt").inc(completion.prompt_tokens)
    TOKENS.labels(completion.model, "cached").inc(completion.cached_tokens)
    TOKENS.labels(completion.model, "completion").inc(completion.completion_tokens)
