"""Which models an assistant asks, one where the other fails, and whether one is there to answer."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.errors import Conflict, InvalidRequest

from ..models import Assistant, LlmModel, LlmProvider

DefaultModels = Sequence[str]
"""DEFAULT_MODEL and FALLBACK_MODEL."""


async def check(session: AsyncSession, row: Assistant) -> None:
    """Raises InvalidRequest where it names a model twice or one that has no record, or where it
    names all that it asks and none of them is active."""
    named = list(_named(row))
    if repeated := next((name for name in named if named.count(name) > 1), None):
        raise InvalidRequest(
            f"{row.name} would ask {repeated!r} twice: model and fallback_models name each once."
        )
    known = select(LlmModel.provider_model_name)
    found = set(await session.exec(known.where(col(LlmModel.provider_model_name).in_(named))))
    if missing := next((name for name in named if name not in found), None):
        raise InvalidRequest(f"There is no model {missing!r}; POST /api/models adds it.")
    names_all = row.model is not None and row.fallback_models is not None
    if names_all and row.is_active and (await _usable(session)).isdisjoint(named):
        raise InvalidRequest(f"{row.name} could not answer: {', '.join(named)} is not active.")


@asynccontextmanager
async def still_answered(session: AsyncSession, defaults: DefaultModels) -> AsyncIterator[None]:
    """Changes of models and providers go in here.

    Raises Conflict where they would leave an assistant, which has had one, without a model.
    """
    before = await _unanswered(session, defaults)
    yield
    await session.flush()
    stranded = sorted(await _unanswered(session, defaults) - before)
    if stranded:
        raise Conflict(
            f"No active model would be left to {', '.join(stranded)}: give another model first."
        )


async def _unanswered(session: AsyncSession, defaults: DefaultModels) -> set[str]:
    """The active assistants none of whose models is active."""
    usable = await _usable(session)
    assistants = await session.exec(select(Assistant).where(col(Assistant.is_active)))
    return {one.name for one in assistants if usable.isdisjoint(_asked(one, defaults))}


async def _usable(session: AsyncSession) -> set[str]:
    """The names of the active models of active providers."""
    active = (
        select(LlmModel.provider_model_name)
        .join(LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id))
        .where(col(LlmModel.is_active), col(LlmProvider.is_active))
    )
    return set(await session.exec(active))


def _named(row: Assistant) -> Iterator[str]:
    if row.model is not None:
        yield row.model
    yield from row.fallback_models or ()


def _asked(row: Assistant, defaults: DefaultModels) -> set[str]:
    first = row.model or next(iter(defaults), "")
    others = defaults if row.fallback_models is None else row.fallback_models
    return {first, *others}
