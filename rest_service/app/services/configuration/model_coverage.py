"""Checks that each active assistant has a usable model: its own, a fallback or a default one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import build_model_chain
from smart_kit.contracts.models import can_chat
from smart_kit.errors import Conflict, InvalidRequest

from ...models import Assistant, LlmModel, LlmProvider

DefaultModels = Sequence[str]
"""DEFAULT_MODEL and FALLBACK_MODEL."""

_IN_PROGRESS_KEY = "assistants are being checked for models"


@dataclass(frozen=True)
class ActiveAssistant:
    """An active assistant and its models, in the order in which they are asked."""

    id: UUID
    name: str
    models: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} (asks {', '.join(self.models) or 'no model'})"


@dataclass(frozen=True)
class ModelCoverage:
    """The active assistants, and the models that can be asked."""

    assistants: tuple[ActiveAssistant, ...]
    usable_models: set[str]

    def find_uncovered_assistants(self) -> list[ActiveAssistant]:
        """Return the assistants without a usable model."""
        return [one for one in self.assistants if self.usable_models.isdisjoint(one.models)]

    def set_usable(self, name: str, *, is_usable: bool) -> None:
        """Add or remove a usable model.

        Raises Conflict, without a change, if an assistant would lose its last usable model.
        """
        if is_usable:
            self.usable_models.add(name)
        elif name in self.usable_models:
            remaining = self.usable_models - {name}
            _raise_if_uncovered(
                [a for a in self.assistants if name in a.models and remaining.isdisjoint(a.models)]
            )
            self.usable_models.remove(name)


async def read(session: AsyncSession, defaults: DefaultModels) -> ModelCoverage:
    """Read the coverage from Postgres, with what the session has flushed.

    A default model without a record counts as usable: the running start adds it.
    """
    active = (
        select(Assistant.id, Assistant.name, Assistant.model, Assistant.fallback_models)
        .where(col(Assistant.is_active))
        .order_by(col(Assistant.name))
    )
    assistants = tuple(
        ActiveAssistant(row_id, name, build_model_chain(model, others, defaults))
        for row_id, name, model, others in await session.exec(active)
    )
    return ModelCoverage(assistants, await _read_usable_models(session, defaults))


async def _read_usable_models(session: AsyncSession, defaults: DefaultModels) -> set[str]:
    served = col(LlmModel.is_active) & col(LlmProvider.is_active)
    rows = select(LlmModel.provider_model_name, LlmModel.capabilities, served).join(
        LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id)
    )
    is_usable_by_name = {
        name: is_served and can_chat(capabilities)
        for name, capabilities, is_served in await session.exec(rows)
    }
    return {name for name in (*defaults, *is_usable_by_name) if is_usable_by_name.get(name, True)}


async def check_model_names(session: AsyncSession, row: Assistant) -> None:
    """Raise InvalidRequest if the assistant names a model twice, or one without a record."""
    named = [name for name in (row.model, *(row.fallback_models or ())) if name is not None]
    if repeated := next((name for name in named if named.count(name) > 1), None):
        raise InvalidRequest(
            f"{row.name} names the model {repeated!r} twice in model and fallback_models."
        )
    known = select(LlmModel.provider_model_name)
    found = set(await session.exec(known.where(col(LlmModel.provider_model_name).in_(named))))
    if missing := next((name for name in named if name not in found), None):
        raise InvalidRequest(f"There is no model {missing!r}. Add it with POST /api/models.")


@asynccontextmanager
async def coverage_guard(session: AsyncSession, defaults: DefaultModels) -> AsyncIterator[None]:
    """Make a change to assistants, models or providers inside this context.

    Raises Conflict if an active assistant would lose its last usable model, or if a new or newly
    activated one has none. A nested context is part of the outer one.
    """
    if session.info.get(_IN_PROGRESS_KEY):
        yield
        return
    session.info[_IN_PROGRESS_KEY] = True
    try:
        before = {one.id for one in (await read(session, defaults)).find_uncovered_assistants()}
        yield
        await session.flush()
        after = (await read(session, defaults)).find_uncovered_assistants()
        _raise_if_uncovered([one for one in after if one.id not in before])
    finally:
        del session.info[_IN_PROGRESS_KEY]


def _raise_if_uncovered(uncovered: Sequence[ActiveAssistant]) -> None:
    if uncovered:
        raise Conflict(
            f"No active model would be left for {', '.join(map(str, uncovered))}. Set another model"
            " first."
        )
