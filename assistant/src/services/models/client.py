"""Gets an answer: tries the models of a chain, within what the person may spend."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import structlog

from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamUnavailable

from ...core.errors import BudgetSpent, ContextTooLong, LeftAlone, NoTimeLeft, NotServed
from ...core.turn import Budget
from ...messages.completion import Completion
from .attempts import Attempts
from .breaker import PAUSE_SECONDS
from .patience import Patience, now
from .request import ModelRequest
from .served import ServedModel

FALLBACK_SECONDS = 30.0
"""What is kept of a turn's time for each of the other models, as far as half of it goes."""

_NOTHING = Decimal(0)

log = structlog.stdlib.get_logger()


class Asker(Protocol):
    """For whom models are asked: a turn."""

    deadline: float
    """By the event loop's clock."""
    models_down: set[str]
    """Those that were away; they are left alone for the rest of the turn."""
    budget: Budget


class ModelClient:
    """Answers of any model. Knows no conversation, and outlives every configuration."""

    def __init__(self) -> None:
        self._attempts = Attempts()

    async def complete(
        self,
        chain: Sequence[ServedModel],
        request: ModelRequest,
        asker: Asker,
        failures: list[ModelFailure] | None = None,
    ) -> Completion:
        """The answer of the first model that gives one, before the deadline.

        `failures` are those of the same step so far, and grow by who is asked in vain now. Raises
        UpstreamUnavailable, UpstreamRejected or EmptyAnswer where no model answered, ContextTooLong
        of the last that was asked, and BudgetSpent where the budget allowed nobody to be asked.
        """
        failures = [] if failures is None else failures
        failure: UpstreamError | None = None
        spent: BudgetSpent | None = None
        willing = self._willing(chain, request, asker.models_down, failures)
        for model in willing:
            after = len(willing) - willing.index(model) - 1
            until = asker.deadline - _kept(asker.deadline, after)
            patience = Patience(until, is_last=not after, has_others=len(chain) > 1)
            try:
                completion = await self._paid(model, request, patience, asker.budget, failures)
            except ContextTooLong:
                raise
            except BudgetSpent as error:
                failures.append(_note(model, error.message))
                spent = error
            except UpstreamError as error:
                log.warning(
                    "model failed", model=model.name, provider=model.provider, reason=error.message
                )
                failure = error
                if isinstance(error, UpstreamUnavailable) and not isinstance(error, NoTimeLeft):
                    asker.models_down.add(model.name)
            else:
                return completion.model_copy(update={"failures": tuple(failures)})
        raise failure or spent or (LeftAlone() if chain else NotServed("No model is configured"))

    async def _paid(
        self,
        model: ServedModel,
        request: ModelRequest,
        patience: Patience,
        budget: Budget,
        failures: list[ModelFailure],
    ) -> Completion:
        """Ask one model; what it may cost is reserved before, and what it did settled after: with
        what was spent in vain, since a key has one cost."""
        expected = model.prices.cost(*request.expected_tokens) or _NOTHING
        if not await budget.reserve(request.key, _spent(failures) + expected):
            raise BudgetSpent
        try:
            completion = await self._attempts.insist(model, request, patience, failures)
        except UpstreamError:
            await budget.settle(request.key, _spent(failures))
            raise
        await budget.settle(request.key, _spent(failures) + (completion.cost or _NOTHING))
        return completion

    def _willing(
        self,
        chain: Sequence[ServedModel],
        request: ModelRequest,
        down: set[str],
        failures: list[ModelFailure],
    ) -> list[ServedModel]:
        """Those that are not left alone; where all are, the one that may soon be asked again."""
        pauses = {
            one.name: self._attempts.pause_of(one, request) for one in chain if one.name not in down
        }
        up = [one for one in chain if one.name in pauses]
        free = [one for one in up if not pauses[one.name]]
        soon = [one for one in up if pauses[one.name] <= PAUSE_SECONDS]
        willing = free or sorted(soon, key=lambda one: pauses[one.name])[:1]
        before = chain[: chain.index(willing[0])] if willing else chain
        notes = [_note(one, "It has failed before: nobody asked it") for one in before]
        failures += [note for note in notes if note not in failures]
        return willing


def _kept(deadline: float, after: int) -> float:
    """Seconds of those left that are kept for the models after one; at least half are its own."""
    left = max(0.0, deadline - now())
    return min(FALLBACK_SECONDS * after, left / 2) if after else 0.0


def _spent(failures: Sequence[ModelFailure]) -> Decimal:
    return sum((one.cost or _NOTHING for one in failures), _NOTHING)


def _note(model: ServedModel, reason: str) -> ModelFailure:
    return ModelFailure(model=model.name, provider=model.provider, reason=reason)
