"""Which models an assistant asks, one where the other fails, and whether one is there to answer."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import chain
from smart_kit.contracts.models import can_answer
from smart_kit.errors import Conflict, InvalidRequest

from ..models import Assistant, LlmModel, LlmProvider

DefaultModels = Sequence[str]
"""DEFAULT_MODEL and FALLBACK_MODEL."""

_UNDER_WAY = "assistants are being checked for models"


@dataclass(frozen=True)
class Asked:
    """An active assistant, and the models that it asks."""

    id: UUID
    name: str
    models: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} (asks {', '.join(self.models) or 'nobody'})"


@dataclass(frozen=True)
class Answering:
    """Whom active assistants ask, and who can answer."""

    assistants: tuple[Asked, ...]
    usable: set[str]

    def unanswered(self) -> list[Asked]:
        """The assistants none of whose models can be asked."""
        return [one for one in self.assistants if self.usable.isdisjoint(one.models)]

    def take(self, name: str, *, is_usable: bool) -> None:
        """From now on a model can be asked or not. Raises Conflict where an assistant that asks it
        would be left with no other one; then nothing is changed."""
        if is_usable:
            self.usable.add(name)
        elif name in self.usable:
            left = self.usable - {name}
            _refuse([a for a in self.assistants if name in a.models and left.isdisjoint(a.models)])
            self.usable.remove(name)


async def read(session: AsyncSession, defaults: DefaultModels) -> Answering:
    """As it stands in Postgres, and in what the session has flushed.

    A default model without a record counts as usable: the start that is under way adds it.
    """
    active = (
        select(Assistant.id, Assistant.name, Assistant.model, Assistant.fallback_models)
        .where(col(Assistant.is_active))
        .order_by(col(Assistant.name))
    )
    assistants = tuple(
        Asked(row_id, name, chain(model, others, defaults))
        for row_id, name, model, others in await session.exec(active)
    )
    return Answering(assistants, await _usable(session, defaults))


async def _usable(session: AsyncSession, defaults: DefaultModels) -> set[str]:
    served = col(LlmModel.is_active) & col(LlmProvider.is_active)
    rows = select(LlmModel.provider_model_name, LlmModel.capabilities, served).join(
        LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id)
    )
    can = {
        name: is_served and can_answer(capabilities)
        for name, capabilities, is_served in await session.exec(rows)
    }
    return {name for name in (*defaults, *can) if can.get(name, True)}


async def check(session: AsyncSession, row: Assistant) -> None:
    """Raises InvalidRequest where it names a model twice or one that has no record."""
    named = list(_named(row))
    if repeated := next((name for name in named if named.count(name) > 1), None):
        raise InvalidRequest(
            f"{row.name} would ask {repeated!r} twice: model and fallback_models name each once."
        )
    known = select(LlmModel.provider_model_name)
    found = set(await session.exec(known.where(col(LlmModel.provider_model_name).in_(named))))
    if missing := next((name for name in named if name not in found), None):
        raise InvalidRequest(f"There is no model {missing!r}; POST /api/models adds it.")


@asynccontextmanager
async def still_answered(session: AsyncSession, defaults: DefaultModels) -> AsyncIterator[None]:
    """Changes of assistants, models and providers go in here; inside another one it is part of
    that.

    Raises Conflict where they would leave an active assistant, which is new, or was not active, or
    has had one, without a model.
    """
    if session.info.get(_UNDER_WAY):
        yield
        return
    session.info[_UNDER_WAY] = True
    try:
        before = {one.id for one in (await read(session, defaults)).unanswered()}
        yield
        await session.flush()
        after = (await read(session, defaults)).unanswered()
        _refuse([one for one in after if one.id not in before])
    finally:
        del session.info[_UNDER_WAY]


def _refuse(stranded: Sequence[Asked]) -> None:
    if stranded:
        raise Conflict(
            f"No active model would be left to {', '.join(map(str, stranded))}: give another model"
            " first."
        )


def _named(row: Assistant) -> Iterator[str]:
    if row.model is not None:
        yield row.model
    yield from row.fallback_models or ()
