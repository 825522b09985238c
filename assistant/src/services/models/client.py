"""Gets a model's answer: goes through a chain of models, within the user's budget."""

from collections.abc import Sequence
from copy import copy
from decimal import Decimal

import structlog

from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamUnavailable

from ...core.errors import (
    BudgetExceeded,
    CircuitOpen,
    ContextLengthExceeded,
    DeadlineExceeded,
    ModelNotAccessible,
)
from ...core.turn import Turn
from ...messages.completion import Completion
from ...messages.conversation import Conversation
from .attempt import loop_time, to_failure
from .circuit_breaker import OPEN_SECONDS
from .model_registry import ResolvedModel
from .model_state import ModelStates
from .request import ModelRequest
from .retries import RetryPolicy, call_with_retries

FALLBACK_RESERVE_SECONDS = 30.0
"""Seconds of the turn reserved for each later model of the chain, up to half of what is left."""

_ZERO = Decimal(0)

log = structlog.stdlib.get_logger()


class ModelClient:
    """Calls models. It outlives configurations, because it keeps what was learnt about models."""

    def __init__(self) -> None:
        self._states = ModelStates()

    async def complete(
        self,
        chain: Sequence[ResolvedModel],
        request: ModelRequest,
        turn: Turn,
        failures: list[ModelFailure] | None = None,
    ) -> Completion:
        """Return the answer of the first model of the chain that gives one before the deadline.

        A conversation that is too long is shortened step by step, for one model only. Each failed
        attempt is added to `failures`. Raises the last call's error; without one, BudgetExceeded.
        """
        failures = [] if failures is None else failures
        budget, original = turn.budget, copy(request.conversation)
        remaining = [model for model in chain if model.name not in original.too_long_for]
        available = self._select_available(remaining, request, turn, failures)
        failure: UpstreamError | None = None
        while available:
            model, *fallbacks = available
            cost = model.prices.calculate_cost(*request.estimated_tokens) or _ZERO
            if not await budget.reserve(request.key, _sum_costs(failures) + cost):
                failure, available = failure or BudgetExceeded(), fallbacks
                failures.append(to_failure(model, BudgetExceeded().message))
                continue
            policy = _build_policy(turn.deadline, len(fallbacks), len(remaining))
            try:
                completion = await call_with_retries(model, request, policy, self._states, failures)
            except ContextLengthExceeded as error:
                await budget.settle(request.key, _sum_costs(failures))
                remaining = _shorten_or_skip(request.conversation, original, remaining, model)
                available = self._select_available(remaining, request, turn, failures)
                failure = None if remaining else error
            except UpstreamError as error:
                await budget.settle(request.key, _sum_costs(failures))
                _note_failure(turn, model, error)
                failure, available = error, fallbacks
            else:
                await budget.settle(request.key, _sum_costs(failures) + (completion.cost or _ZERO))
                return completion.model_copy(update={"failures": tuple(failures)})
        raise failure or (CircuitOpen() if chain else ModelNotAccessible("No model is configured"))

    def _select_available(
        self,
        chain: Sequence[ResolvedModel],
        request: ModelRequest,
        turn: Turn,
        failures: list[ModelFailure],
    ) -> list[ResolvedModel]:
        """Return the models whose circuits allow a request, or, where none does, the one whose
        circuit allows one soonest. Models skipped before the first of them become failures."""
        now = loop_time()
        up = [model for model in chain if model.name not in turn.models_down]
        delays = [self._states.seconds_until_retry(model, request, now) for model in up]
        available = [model for model, delay in zip(up, delays, strict=True) if not delay]
        if not available and up and min(delays) <= OPEN_SECONDS:
            available = [up[delays.index(min(delays))]]
        skipped = chain[: chain.index(available[0])] if available else chain
        notes = [to_failure(model, "Not called: it has failed before") for model in skipped]
        failures += [note for note in notes if note not in failures]
        return available


def _build_policy(deadline: float, fallback_count: int, model_count: int) -> RetryPolicy:
    """Reserve a part of the time left for the fallbacks; at least half of it is the model's own."""
    left = max(0.0, deadline - loop_time())
    reserved = min(FALLBACK_RESERVE_SECONDS * fallback_count, left / 2)
    has_fallbacks = model_count > 1
    return RetryPolicy(deadline - reserved, not fallback_count, has_fallbacks)


def _shorten_or_skip(
    conversation: Conversation,
    original: Conversation,
    chain: list[ResolvedModel],
    model: ResolvedModel,
) -> list[ResolvedModel]:
    """Return the models to call after this one has found the conversation too long: it and the next
    ones with a shorter conversation, or the next ones with the original one."""
    position = chain.index(model)
    if conversation.shorten():
        return chain[position:]
    if model is not chain[-1]:
        conversation.too_long_for.add(model.name)
        conversation.restore(original)
    return chain[position + 1 :]


def _note_failure(turn: Turn, model: ResolvedModel, error: UpstreamError) -> None:
    log.warning("model failed", model=model.name, provider=model.provider, reason=error.message)
    if isinstance(error, UpstreamUnavailable) and not isinstance(error, DeadlineExceeded):
        turn.models_down.add(model.name)


def _sum_costs(failures: Sequence[ModelFailure]) -> Decimal:
    return sum((failure.cost or _ZERO for failure in failures), _ZERO)
