from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.assistants import AssistantCreate, AssistantRead, AssistantUpdate
from smart_kit.errors import Conflict

from ...models import Assistant, AssistantTool, Tool, User
from ..configuration import model_coverage
from ..configuration.change import configuration_change
from ..configuration.model_coverage import DefaultModels, coverage_guard
from ..records.crud import (
    RecordReader,
    build_user_name_expression,
    check_name_available,
    check_unused,
    find,
    get_provided_fields,
    set_fields,
)

RECORDS = RecordReader(Assistant, AssistantRead)


async def create(
    session: AsyncSession, body: AssistantCreate, defaults: DefaultModels
) -> AssistantRead:
    """Create an assistant.

    Raises Conflict if the name is taken or none of its models is active, InvalidRequest if a model
    does not exist.
    """
    async with configuration_change(session), coverage_guard(session, defaults):
        await check_name_available(session, Assistant.name, body.name)
        row = Assistant(**body.model_dump())
        await model_coverage.check_model_names(session, row)
        session.add(row)
    return RECORDS.to_read(row)


async def update(
    session: AsyncSession, assistant_id: UUID, body: AssistantUpdate, defaults: DefaultModels
) -> AssistantRead:
    """Change an assistant. Raises NotFound, Conflict, InvalidRequest."""
    async with configuration_change(session), coverage_guard(session, defaults):
        row = await find(session, Assistant, assistant_id)
        fields = get_provided_fields(body, Assistant)
        if fields.get("name", row.name) != row.name:
            await check_name_available(session, Assistant.name, fields["name"])
        stays_active = fields.get("is_secretary", True) and fields.get("is_active", True)
        if row.is_secretary and row.is_active and not stays_active:
            await _check_not_last_secretary(session, row)
        set_fields(row, fields)
        if fields.keys() & {"model", "fallback_models"}:
            with session.no_autoflush:
                await model_coverage.check_model_names(session, row)
    return RECORDS.to_read(row)


async def delete(session: AsyncSession, assistant_id: UUID) -> None:
    """Delete an assistant. Raises NotFound, and Conflict while it is in use."""
    async with configuration_change(session):
        row = await find(session, Assistant, assistant_id)
        await _check_unused(session, row)
        await session.delete(row)


async def get_default_secretary(session: AsyncSession) -> Assistant | None:
    """Return the oldest active secretary, which answers users who have chosen none."""
    secretaries = select(Assistant).where(col(Assistant.is_secretary), col(Assistant.is_active))
    oldest = secretaries.order_by(col(Assistant.created_at), col(Assistant.id)).limit(1)
    return (await session.exec(oldest)).first()


async def _check_not_last_secretary(session: AsyncSession, row: Assistant) -> None:
    others = select(Assistant.id).where(
        col(Assistant.is_secretary), col(Assistant.is_active), Assistant.id != row.id
    )
    if (await session.exec(others.limit(1))).first() is None:
        raise Conflict(f"{row.name} is the last active secretary. Activate another one first.")


async def _check_unused(session: AsyncSession, row: Assistant) -> None:
    default = await get_default_secretary(session)
    if default is not None and default.id == row.id:
        raise Conflict(f"{row.name} is the default secretary and cannot be deleted.")
    link = AssistantTool
    own = select(Tool.name).join(link, col(link.tool_id) == col(Tool.id))
    parent_names = select(Assistant.name).join(link, col(link.assistant_id) == col(Assistant.id))
    await check_unused(
        session,
        row.name,
        ("its tools", own.where(link.assistant_id == row.id, col(link.is_active))),
        ("assistants that ask it", parent_names.where(link.sub_assistant_id == row.id)),
        ("tools that ask it", select(Tool.name).where(Tool.assistant_id == row.id)),
        (
            "users who have chosen it",
            select(build_user_name_expression()).where(User.assistant_id == row.id),
        ),
    )
