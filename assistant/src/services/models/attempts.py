"""Asks one model until it answers or there is no sense in asking it again."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Histogram

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ...core.errors import (
    CutOff,
    EmptyAnswer,
    LeftAlone,
    NoTimeLeft,
    NotServed,
    OwnWordsRefused,
    ParameterRefused,
)
from ...messages.completion import Completion
from ...messages.item import Item
from .api import Answer, Api, Asking
from .breaker import PAUSE_SECONDS, Breaker
from .breaker import Asking as AskedAs
from .chat import ChatCompletions
from .endpoint import ATTEMPT_SECONDS, Endpoint
from .parameters import LearntParameters
from .request import ModelRequest
from .responses import Responses, own_words
from .served import ServedModel

APIS: Mapping[ModelApi, Api] = {"chat": ChatCompletions(), "responses": Responses()}

TRIES = 3
BACKOFF_SECONDS = 0.5
LEFT_ALONE_SECONDS = 2 * PAUSE_SECONDS
"""How long one request may wait for a model that is left alone or being probed: who waits holds a
slot that others need."""
LEAST_SECONDS = 0.5
"""With less time left no call is begun."""
CHARACTERS_OF_A_TOKEN = 6
"""At most, on average, in any language; of a prompt that has fewer tokens a part was cut off."""
MOST_REFUSED = 1_000
"""So many messages are remembered at a time; who is forgotten is refused once more."""
SHORT_PROMPT = 2_000
"""Characters; below, the average says nothing."""

MODEL_SECONDS = Histogram(
    "smart_assistant_model_seconds",
    "Calls of a model, each attempt by itself",
    ["provider", "model", "outcome"],
    buckets=(0.05, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
TOKENS = Counter(
    "smart_assistant_tokens_total", "Tokens as the model counts", ["provider", "model", "kind"]
)

log = structlog.stdlib.get_logger()


@dataclass
class Patience:
    """How long one model is asked in one call."""

    until: float
    """By the event loop's clock."""
    is_last: bool
    """Whether nobody else is asked after it."""
    has_others: bool
    """Whether the chain has other models at all."""
    tries: int = 1
    begun: float = field(default_factory=lambda: _now())
    once: set[type[UpstreamError]] = field(default_factory=set)
    """What has been tried again and is not a second time."""


class Attempts:
    """What this process knows of models: how they are, and what they take."""

    def __init__(self) -> None:
        self._parameters = LearntParameters()
        self._breakers: dict[tuple[str, str], tuple[Endpoint, Breaker]] = {}
        self._refused: set[str] = set()
        """Items whose additions their own model no longer reads."""

    async def insist(
        self,
        model: ServedModel,
        request: ModelRequest,
        patience: Patience,
        failures: list[ModelFailure],
    ) -> Completion:
        """The answer; `failures` grows by attempts in vain. Raises as ModelClient.complete."""
        if model.endpoint is None:
            failures.append(_failure(model, model.problem, 0.0))
            raise NotServed(model.problem)
        name = request.api or model.api
        api = APIS[name]
        while True:
            learnt = self._parameters.of(model, name)
            sent = learnt.applied(api.wanted(request, model))
            asking = Asking(request, model, sent, learnt, self._refused)
            began = _now()
            try:
                return await self._ask_once(asking, api, model.endpoint, patience)
            except ParameterRefused as refused:
                if not self._parameters.learn(model, name, learnt, refused, sent):
                    failures.append(_failure(model, refused.message, _now() - began))
                    raise
                log.info("parameters adapted", model=model.name, named=refused.parameters)
            except UpstreamError as error:
                failures.append(_failure(model, error.message, _now() - began))
                wait = self._wait(model, request, patience, error)
                if wait is None:
                    raise
                log.info(
                    "model is asked again", model=model.name, reason=error.message, seconds=wait
                )
                await asyncio.sleep(wait)

    def pause_of(self, model: ServedModel) -> float:
        """Seconds until it is worth asking; 0 where it may be asked."""
        if model.endpoint is None:
            return 0.0
        return self._breaker(model, model.endpoint).seconds_left(_now())

    def _wait(
        self, model: ServedModel, request: ModelRequest, patience: Patience, error: UpstreamError
    ) -> float | None:
        """How long to wait before it is asked again; None: there is no sense in it."""
        if isinstance(error, EmptyAnswer | CutOff | OwnWordsRefused):
            if isinstance(error, OwnWordsRefused):
                self._forget(own_words(request.items, model.writer))
            if type(error) in patience.once:
                return None
            patience.once.add(type(error))
            return 0.0
        if not isinstance(error, UpstreamUnavailable):
            return None
        pause = self.pause_of(model)
        wait = max(_backoff(patience.tries, error.retry_after), pause)
        ready = _now() + wait
        is_late = ready + LEAST_SECONDS > patience.until
        is_pausing = pause and (not patience.is_last or ready > patience.begun + LEFT_ALONE_SECONDS)
        if patience.tries == TRIES or is_late or is_pausing:
            return None
        patience.tries += not isinstance(error, LeftAlone)
        return wait

    def _forget(self, items: list[Item]) -> None:
        if len(self._refused) > MOST_REFUSED:
            self._refused.clear()
        self._refused |= {item.json for item in items}

    async def _ask_once(
        self, asking: Asking, api: Api, endpoint: Endpoint, patience: Patience
    ) -> Completion:
        model, started, started_at = asking.model, _now(), utc_now()
        seconds = min(ATTEMPT_SECONDS, patience.until - started)
        if seconds < LEAST_SECONDS:
            raise NoTimeLeft
        breaker = self._breaker(model, endpoint)
        asked_as = breaker.begin(started)
        if asked_as is None:
            raise LeftAlone
        outcome = "failed"
        try:
            answer = await _answer(asking, api, endpoint, seconds)
            outcome = "answered"
        except UpstreamError as error:
            outcome = "refused" if isinstance(error, UpstreamRejected) else outcome
            _judge(breaker, asked_as, error, has_others=patience.has_others)
            raise
        except BaseException:
            breaker.abandoned(asked_as)
            raise
        finally:
            MODEL_SECONDS.labels(model.provider, model.name, outcome).observe(_now() - started)
        breaker.answered()
        _count(asking, answer)
        return Completion(
            model=model.name,
            provider=model.provider,
            message=answer.message,
            added={"by": model.writer, **answer.added} if answer.added else {},
            text=answer.text,
            calls=answer.calls,
            prompt_tokens=answer.prompt_tokens,
            cached_tokens=answer.cached_tokens,
            completion_tokens=answer.completion_tokens,
            cost=model.prices.cost(
                answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens
            ),
            seconds=_now() - started,
            started_at=started_at,
        )

    def _breaker(self, model: ServedModel, endpoint: Endpoint) -> Breaker:
        """A new one for another address or key: who corrects them should not wait."""
        key = (model.provider, model.name)
        known = self._breakers.get(key)
        if known is None or known[0] is not endpoint:
            known = self._breakers[key] = (endpoint, Breaker(*key))
        return known[1]


async def _answer(asking: Asking, api: Api, endpoint: Endpoint, seconds: float) -> Answer:
    assembly = api.assembly() if asking.sent.get("stream") else None
    listener = asking.request.listener
    body = api.body(asking).encode()
    answered = await endpoint.ask(api.path, body, seconds, assembly, listener)
    return api.read(answered, asking.request.key)


def _judge(breaker: Breaker, asked_as: AskedAs, error: UpstreamError, *, has_others: bool) -> None:
    """Whose fault it was: what a conversation brings about says nothing of the model."""
    if isinstance(error, NotServed):
        # where nobody else could be asked, an account filled again should show at once
        breaker.failed(asked_as, _now(), (has_others and error.seconds) or None)
    elif isinstance(error, UpstreamUnavailable):
        breaker.failed(asked_as, _now())
    else:
        breaker.answered()


def _count(asking: Asking, answer: Answer) -> None:
    model, characters = asking.model, asking.request.characters
    for kind in ("prompt", "cached", "completion"):
        tokens: int = getattr(answer, f"{kind}_tokens")
        TOKENS.labels(model.provider, model.name, kind).inc(tokens)
    least = characters // CHARACTERS_OF_A_TOKEN
    if characters > SHORT_PROMPT and 0 < answer.prompt_tokens < least:
        log.warning(
            "the server seems to cut prompts off, instructions first: give the model more context",
            model=model.name,
            provider=model.provider,
            prompt_tokens=answer.prompt_tokens,
            expected_at_least=least,
        )


def _failure(model: ServedModel, reason: str, seconds: float) -> ModelFailure:
    return ModelFailure(
        model=model.name, provider=model.provider, reason=reason, seconds=round(seconds, 3)
    )


def _now() -> float:
    """By the clock of the time-outs."""
    return asyncio.get_running_loop().time()


def _backoff(tries: int, asked_for: float | None) -> float:
    """How long to wait; never less than the server asked for."""
    jitter = random.uniform(0.8, 1.4)  # noqa: S311 # spreads load, hides nothing
    own = float(BACKOFF_SECONDS * 2 ** (tries - 1) * jitter)
    return own if asked_for is None else asked_for + own / 5
