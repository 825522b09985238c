"""The models of providers."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.models import LlmModelCreate, LlmModelRead, LlmModelUpdate
from smart_kit.errors import Conflict, InvalidRequest

from ..models import Assistant, LlmModel, LlmProvider
from ..pagination import Slice, fetch, page
from . import credentials, json_limits
from .references import check_unused
from .rows import change, find, given_fields

NOUN = "model"
OURS = frozenset({"model", "messages", "input", "tools", "stream"})
"""Parts of a request that no record sets."""


class ModelSlice(Slice):
    """Which models are wanted."""

    provider_id: UUID | None = None


async def read_page(session: AsyncSession, wanted: ModelSlice) -> Page[LlmModelRead]:
    """Models, oldest first."""
    rows = select(LlmModel).order_by(col(LlmModel.created_at), col(LlmModel.id))
    if wanted.provider_id is not None:
        rows = rows.where(LlmModel.provider_id == wanted.provider_id)
    return page(Page[LlmModelRead], *await fetch(session, rows, wanted), wanted)


async def read(session: AsyncSession, model_id: UUID) -> LlmModelRead:
    """Raises NotFound."""
    return _shape(await find(session, LlmModel, model_id, NOUN))


async def create(session: AsyncSession, body: LlmModelCreate) -> LlmModelRead:
    """Raises NotFound for an unknown provider, Conflict where the name is taken, InvalidRequest."""
    await find(session, LlmProvider, body.provider_id, "provider", lock=True)
    _check_parameters(body.parameters)
    await _check_name(session, body.provider_model_name)
    row = LlmModel(**body.model_dump())
    session.add(row)
    await session.flush()
    return _shape(row)


async def update(session: AsyncSession, model_id: UUID, body: LlmModelUpdate) -> LlmModelRead:
    """Raises NotFound, Conflict, InvalidRequest."""
    row = await find(session, LlmModel, model_id, NOUN, lock=True)
    fields = given_fields(body, LlmModel)
    if "provider_id" in fields:
        await find(session, LlmProvider, fields["provider_id"], "provider", lock=True)
    _check_parameters(fields.get("parameters", {}))
    if fields.get("provider_model_name", row.provider_model_name) != row.provider_model_name:
        await _check_name(session, fields["provider_model_name"])
        await _check_unused(session, row)
    change(row, fields)
    await session.flush()
    return _shape(row)


async def delete(session: AsyncSession, model_id: UUID) -> None:
    """Raises NotFound, and Conflict while an assistant names it."""
    row = await find(session, LlmModel, model_id, NOUN, lock=True)
    await _check_unused(session, row)
    await session.delete(row)


def _shape(row: LlmModel) -> LlmModelRead:
    return LlmModelRead.model_validate(row, from_attributes=True)


def _check_parameters(parameters: JsonObject) -> None:
    json_limits.check("parameters", parameters)
    if taken := sorted(OURS & parameters.keys()):
        raise InvalidRequest(f"parameters cannot set {', '.join(taken)}: a request has its own.")
    credentials.check("parameters", parameters)


async def _check_name(session: AsyncSession, name: str) -> None:
    rows = select(LlmModel.id).where(LlmModel.provider_model_name == name)
    if (await session.exec(rows)).first():
        raise Conflict(f"There is already a model called {name!r}.")


async def _check_unused(session: AsyncSession, row: LlmModel) -> None:
    name = row.provider_model_name
    users = select(Assistant.name).where(Assistant.model == name)
    await check_unused(session, name, ("assistants that name it", users))
