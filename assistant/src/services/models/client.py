"""Gets an answer: tries the models of a chain, within what the person may spend."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

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
from ...core.turn import Budget
from ...messages.completion import Completion
from .request import ModelRequest
from .resilience.circuit_breaker import OPEN_SECONDS
from .resilience.retry_policy import RetryPolicy, loop_time
from .resolved_model import ResolvedModel
from .retrying_caller import RetryingCaller

FALLBACK_RESERVE_SECONDS = 30.0
"""What is kept of a turn's time for each of the other models, as far as half of it goes."""

_ZERO = Decimal(0)

log = structlog.stdlib.get_logger()


class CallContext(Protocol):
    """For whom models are asked: a turn."""

    deadline: float
    """By the event loop's clock."""
    models_down: set[str]
    """Those that were away; they are left alone for the rest of the turn."""
    budget: Budget


class ModelClient:
    """Answers of any model. Knows no conversation, and outlives every configuration."""

    def __init__(self) -> None:
        self._caller = RetryingCaller()

    async def complete(
        self,
        chain: Sequence[ResolvedModel],
        request: ModelRequest,
        context: CallContext,
        failures: list[ModelFailure] | None = None,
    ) -> Completion:
        """The answer of the first model that gives one, before the deadline.

        `failures` are those of the same step so far, and grow by who is asked in vain now. Raises
        UpstreamUnavailable, UpstreamRejected or EmptyAnswer where no model answered, ContextTooLong
        of the last that was asked, and BudgetSpent where the budget allowed nobody to be asked.
        """
        failures = [] if failures is None else failures
        failure: UpstreamError | None = None
        budget_error: BudgetExceeded | None = None
        available = self._select_available(chain, request, context.models_down, failures)
        for model in available:
            after = len(available) - available.index(model) - 1
            deadline = context.deadline - _reserve_for_fallbacks(context.deadline, after)
            policy = RetryPolicy(deadline, is_last=not after, has_fallbacks=len(chain) > 1)
            try:
                completion = await self._call_within_budget(
                    model, request, policy, context.budget, failures
                )
            except ContextLengthExceeded:
                raise
            except BudgetExceeded as error:
                failures.append(_build_skipped_failure(model, error.message))
                budget_error = error
            except UpstreamError as error:
                log.warning(
                    "model failed", model=model.name, provider=model.provider, reason=error.message
                )
                failure = error
                if isinstance(error, UpstreamUnavailable) and not isinstance(
                    error, DeadlineExceeded
                ):
                    context.models_down.add(model.name)
            else:
                return completion.model_copy(update={"failures": tuple(failures)})
        raise (
            failure
            or budget_error
            or (CircuitOpen() if chain else ModelNotAccessible("No model is configured"))
        )

    async def _call_within_budget(
        self,
        model: ResolvedModel,
        request: ModelRequest,
        policy: RetryPolicy,
        budget: Budget,
        failures: list[ModelFailure],
    ) -> Completion:
        """Ask one model; what it may cost is reserved before, and what it did settled after: with
        what was spent in vain, since a key has one cost."""
        estimated = model.prices.calculate_cost(*request.estimated_tokens) or _ZERO
        if not await budget.reserve(request.key, _sum_costs(failures) + estimated):
            raise BudgetExceeded
        try:
            completion = await self._caller.call(model, request, policy, failures)
        except UpstreamError:
            await budget.settle(request.key, _sum_costs(failures))
            raise
        await budget.settle(request.key, _sum_costs(failures) + (completion.cost or _ZERO))
        return completion

    def _select_available(
        self,
        chain: Sequence[ResolvedModel],
        request: ModelRequest,
        down: set[str],
        failures: list[ModelFailure],
    ) -> list[ResolvedModel]:
        """Those that are not left alone; where all are, the one that may soon be asked again."""
        delays = {
            one.name: self._caller.get_retry_delay(one, request)
            for one in chain
            if one.name not in down
        }
        up = [one for one in chain if one.name in delays]
        free = [one for one in up if not delays[one.name]]
        soon = [one for one in up if delays[one.name] <= OPEN_SECONDS]
        available = free or sorted(soon, key=lambda one: delays[one.name])[:1]
        before = chain[: chain.index(available[0])] if available else chain
        notes = [
            _build_skipped_failure(one, "It has failed before: nobody asked it") for one in before
        ]
        failures += [note for note in notes if note not in failures]
        return available


def _reserve_for_fallbacks(deadline: float, after: int) -> float:
    """Seconds of those left that are kept for the models after one; at least half are its own."""
    left = max(0.0, deadline - loop_time())
    return min(FALLBACK_RESERVE_SECONDS * after, left / 2) if after else 0.0


def _sum_costs(failures: Sequence[ModelFailure]) -> Decimal:
    return sum((one.cost or _ZERO for one in failures), _ZERO)


def _build_skipped_failure(model: ResolvedModel, reason: str) -> ModelFailure:
    return ModelFailure(model=model.name, provider=model.provider, reason=reason)
