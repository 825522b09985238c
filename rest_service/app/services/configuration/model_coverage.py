"""Which models an assistant asks, one where the other fails, and whether one is there to answer."""

from collections.abc import AsyncIterator, Iterator, Sequence
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
    """An active assistant, and the models that it asks."""

    id: UUID
    name: str
    models: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} (asks {', '.join(self.models) or 'nobody'})"


@dataclass(frozen=True)
class ModelCoverage:
    """Whom active assistants ask, and who can answer."""

    assistants: tuple[ActiveAssistant, ...]
    usable_models: set[str]

    def find_uncovered(self) -> list[ActiveAssistant]:
        """The assistants none of whose models can be asked."""
        return [one for one in self.assistants if self.usable_models.isdisjoint(one.models)]

    def set_usable(self, name: str, *, is_usable: bool) -> None:
        """From now on a model can be asked or not. Raises Conflict where an assistant that asks it
        would be left with no other one; then nothing is changed."""
        if is_usable:
            self.usable_models.add(name)
        elif name in self.usable_models:
            remaining = self.usable_models - {name}
            _raise_if_uncovered(
                [a for a in self.assistants if name in a.models and remaining.isdisjoint(a.models)]
            )
            self.usable_models.remove(name)


async def read(session: AsyncSession, defaults: DefaultModels) -> ModelCoverage:
    """As it stands in Postgres, and in what the session has flushed.

    A default model without a record counts as usable: the start that is under way adds it.
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
    """Raises InvalidRequest where it names a model twice or one that has no record."""
    named = list(_iter_model_names(row))
    if repeated := next((name for name in named if named.count(name) > 1), None):
        raise InvalidRequest(
            f"{row.name} would ask {repeated!r} twice: model and fallback_models name each once."
        )
    known = select(LlmModel.provider_model_name)
    found = set(await session.exec(known.where(col(LlmModel.provider_model_name).in_(named))))
    if missing := next((name for name in named if name not in found), None):
        raise InvalidRequest(f"There is no model {missing!r}; POST /api/models adds it.")


@asynccontextmanager
async def ensure_covered(session: AsyncSession, defaults: DefaultModels) -> AsyncIterator[None]:
    """Changes of assistants, models and providers go in here; inside another one it is part of
    that.

    Raises Conflict where they would leave an active assistant, which is new, or was not active, or
    has had one, without a model.
    """
    if session.info.get(_IN_PROGRESS_KEY):
        yield
        return
    session.info[_IN_PROGRESS_KEY] = True
    try:
        before = {one.id for one in (await read(session, defaults)).find_uncovered()}
        yield
        await session.flush()
        after = (await read(session, defaults)).find_uncovered()
        _raise_if_uncovered([one for one in after if one.id not in before])
    finally:
        del session.info[_IN_PROGRESS_KEY]


def _raise_if_uncovered(uncovered: Sequence[ActiveAssistant]) -> None:
    if uncovered:
        raise Conflict(
            f"No active model would be left to {', '.join(map(str, uncovered))}: give another model"
            " first."
        )


def _iter_model_names(row: Assistant) -> Iterator[str]:
    if row.model is not None:
        yield row.model
    yield from row.fallback_models or ()
