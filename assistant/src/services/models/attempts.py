"""Asks one model until it answers or there is no sense in asking it again."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamRejected

from ...core.errors import ContextTooLong, NotServed, ParameterRefused
from ...messages.completion import Completion
from .api import Api, Asking
from .attempt import ask_once, failure_of
from .breakers import Breakers
from .chat import ChatCompletions
from .endpoint import Endpoint
from .own_words import UnreadWords, own_words
from .parameters import Learnt, LearntParameters
from .patience import Patience, now
from .request import ModelRequest
from .responses import Responses
from .served import ServedModel

APIS: Mapping[ModelApi, Api] = {"chat": ChatCompletions(), "responses": Responses()}

MOST_ADAPTED = 12
"""So often one request is adapted."""
_UNEXPLAINED = (None, 400, 404, 422)
"""With these a model may refuse what it said itself."""
_NO_SUCH_PATH = (404, 405)

log = structlog.stdlib.get_logger()


class Attempts:
    """What this process knows of models: how they are, and what they take."""

    def __init__(self) -> None:
        self._parameters = LearntParameters()
        self._breakers = Breakers()
        self._unread = UnreadWords()

    async def insist(
        self,
        model: ServedModel,
        request: ModelRequest,
        patience: Patience,
        failures: list[ModelFailure],
    ) -> Completion:
        """The answer; `failures` grows by attempts in vain. Raises as ModelClient.complete.

        Where the server does not have the API that the request wants, the model is asked by that
        of its record.
        """
        if model.endpoint is None:
            failures.append(failure_of(model, model.problem))
            raise NotServed(model.problem)
        name, endpoint = self._api_of(model, model.endpoint, request), model.endpoint
        try:
            return await self._insist(name, model, endpoint, request, patience, failures)
        except UpstreamRejected as error:
            if name == model.api or error.status not in _NO_SUCH_PATH:
                raise
        completion = await self._insist(model.api, model, endpoint, request, patience, failures)
        self._parameters.keep(model, endpoint, name, Learnt(is_absent=True))
        return completion

    async def _insist(
        self,
        name: ModelApi,
        model: ServedModel,
        endpoint: Endpoint,
        request: ModelRequest,
        patience: Patience,
        failures: list[ModelFailure],
    ) -> Completion:
        api, breaker = APIS[name], self._breakers.of(model, endpoint, name)
        known = learnt = self._parameters.of(model, endpoint, name)
        unread: frozenset[bytes] = frozenset()
        while True:
            sent = learnt.applied(api.wanted(request, model))
            asking = Asking(request, model, sent, learnt, self._unread | unread)
            began = now()
            try:
                completion = await ask_once(asking, api, endpoint, breaker, patience)
            except UpstreamError as error:
                if (adapted := _adapted(learnt, error, sent, patience)) is not None:
                    learnt = adapted
                    log.info("parameters adapted", model=model.name, reason=error.message)
                    continue
                failures.append(failure_of(model, error.message, now() - began, asking, error))
                if unreadable := _unreadable(asking, api, error):
                    unread |= unreadable
                    continue
                wait = patience.wait(error, breaker.seconds_left(now()))
                if wait is None:
                    raise
                log.info(
                    "model is asked again", model=model.name, reason=error.message, seconds=wait
                )
                await asyncio.sleep(wait)
            else:
                if learnt is not known:
                    self._parameters.keep(model, endpoint, name, learnt)
                self._unread.add(unread)
                return completion

    def pause_of(self, model: ServedModel, request: ModelRequest) -> float:
        """Seconds until it is worth asking; 0 where it may be asked."""
        if model.endpoint is None:
            return 0.0
        api = self._api_of(model, model.endpoint, request)
        return self._breakers.of(model, model.endpoint, api).seconds_left(now())

    def _api_of(self, model: ServedModel, endpoint: Endpoint, request: ModelRequest) -> ModelApi:
        wanted = request.api or model.api
        is_absent = self._parameters.of(model, endpoint, wanted).is_absent
        return model.api if is_absent else wanted


def _adapted(
    learnt: Learnt, error: UpstreamError, sent: Mapping[str, Any], patience: Patience
) -> Learnt | None:
    """What to try after a refusal; kept only once it was answered."""
    if not isinstance(error, ParameterRefused) or patience.adapted == MOST_ADAPTED:
        return None
    patience.adapted += 1
    return learnt.adapted(error, sent)


def _unreadable(asking: Asking, api: Api, error: UpstreamError) -> frozenset[bytes]:
    """The model's own messages, where they may be what it refuses, and it was sent them."""
    is_explained = isinstance(error, NotServed | ContextTooLong)
    if is_explained or not isinstance(error, UpstreamRejected) or error.status not in _UNEXPLAINED:
        return frozenset()
    own = own_words(asking.items, asking.model.writer, api.additions)
    return own.difference(asking.unread)
