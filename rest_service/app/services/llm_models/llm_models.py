"""The models of providers."""

from uuid import UUID

from sqlalchemy import cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import LlmModelCreate, LlmModelRead, LlmModelUpdate, can_chat
from smart_kit.errors import Conflict, InvalidRequest

from ...models import Assistant, LlmModel, LlmProvider, User
from ...pagination import PageQuery
from ..configuration.change import configuration_change
from ..configuration.model_coverage import DefaultModels, coverage_guard
from ..records import json_limits
from ..records.crud import (
    RecordReader,
    build_user_name_expression,
    check_name_available,
    check_unused,
    find,
    get_provided_fields,
    set_fields,
)
from ..secrets import secret_scan

RECORDS = RecordReader(LlmModel, LlmModelRead)
RESERVED_PARAMETERS = (
    frozenset({"model", "messages", "input", "instructions", "prompt", "include", "stream", "n"})
    | {"tools", "tool_choice", "functions", "function_call"}
    | {"previous_response_id", "conversation", "background", "store"}
)
"""Parts of a request that the parameters of a model cannot set."""


class ModelQuery(PageQuery):
    provider_id: UUID | None = None


async def create(session: AsyncSession, body: LlmModelCreate) -> LlmModelRead:
    """Create a model. Raises NotFound for the provider, Conflict for a taken name,
    InvalidRequest."""
    async with configuration_change(session):
        await find(session, LlmProvider, body.provider_id)
        await check_name_available(session, LlmModel.provider_model_name, body.provider_model_name)
        row = build_row(body)
        session.add(row)
    return RECORDS.to_read(row)


async def update(
    session: AsyncSession, model_id: UUID, body: LlmModelUpdate, defaults: DefaultModels
) -> LlmModelRead:
    """Change a model. Raises NotFound, InvalidRequest, Conflict if an assistant would lose its
    last model."""
    async with configuration_change(session), coverage_guard(session, defaults):
        row = await find(session, LlmModel, model_id, lock=True)
        fields = get_provided_fields(body, LlmModel)
        if "provider_id" in fields:
            await find(session, LlmProvider, fields["provider_id"])
        if fields.get("provider_model_name", row.provider_model_name) != row.provider_model_name:
            await check_name_available(
                session, LlmModel.provider_model_name, fields["provider_model_name"]
            )
            await _check_unused(session, row, defaults)
        check_fields(row.model_dump() | fields, fields)
        set_fields(row, fields)
    return RECORDS.to_read(row)


async def delete(session: AsyncSession, model_id: UUID, defaults: DefaultModels) -> None:
    """Delete a model. Raises NotFound, and Conflict while it is in use."""
    async with configuration_change(session):
        row = await find(session, LlmModel, model_id, lock=True)
        await _check_unused(session, row, defaults)
        await session.delete(row)


def build_row(body: LlmModelCreate) -> LlmModel:
    """Return the row of a new model. Raises InvalidRequest."""
    fields = body.model_dump()
    check_fields(fields, fields)
    return LlmModel(**fields)


def check_fields(fields: JsonObject, changed: JsonObject) -> None:
    """Check the fields of a model after a change. Raises InvalidRequest."""
    _check_parameters(changed.get("parameters", {}))
    if fields["is_user_selectable"] and not can_chat(fields["capabilities"]):
        raise InvalidRequest("The model only makes embeddings, so users cannot choose it.")


async def check_user_selectable(session: AsyncSession, name: str) -> None:
    """Raise InvalidRequest unless the model exists, is active and can be chosen by users.

    The lock keeps it so until the end of the transaction.
    """
    rows = (
        select(LlmModel, LlmProvider.is_active)
        .join(LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id))
        .where(LlmModel.provider_model_name == name)
        .with_for_update(read=True, of=LlmModel)
    )
    found = (await session.exec(rows)).first()
    if found is None:
        raise InvalidRequest(f"There is no model {name!r}.")
    model, is_provider_active = found
    if not (model.is_active and is_provider_active):
        raise InvalidRequest(f"{name} is not active.")
    if not model.is_user_selectable:
        raise InvalidRequest(f"{name} is not one of the models that users may choose.")


def _check_parameters(parameters: JsonObject) -> None:
    json_limits.check("parameters", parameters)
    if reserved := sorted(RESERVED_PARAMETERS & parameters.keys()):
        raise InvalidRequest(f"parameters cannot set {', '.join(reserved)}: requests set these.")
    secret_scan.check("parameters", parameters)


async def _check_unused(session: AsyncSession, row: LlmModel, defaults: DefaultModels) -> None:
    name = row.provider_model_name
    if name in defaults:
        raise Conflict(f"{name} is in use by DEFAULT_MODEL or FALLBACK_MODEL.")
    falling_back = cast(col(Assistant.fallback_models), JSONB).contains([name])
    naming = select(Assistant.name).where(or_(Assistant.model == name, falling_back))
    await check_unused(
        session,
        name,
        ("assistants that use it", naming),
        (
            "users who have chosen it",
            select(build_user_name_expression()).where(User.model == name),
        ),
    )
