from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.tools import HttpCall, ToolCreate, ToolRead, ToolUpdate
from smart_kit.errors import Conflict, InvalidRequest

from ...models import Assistant, AssistantTool, Tool
from ..configuration.change import configuration_change
from ..records.crud import (
    RecordReader,
    check_name_available,
    check_unused,
    find,
    get_provided_fields,
    set_fields,
)
from . import http_call, input_schema
from .input_schema import resolve_effect_class, resolve_input_schema


def _to_read(row: Tool) -> ToolRead:
    """Return the tool with the schema and effect class that apply."""
    resolved = {
        "input_schema": resolve_input_schema(row),
        "effect_class": resolve_effect_class(row),
    }
    return ToolRead(**row.model_dump() | resolved)


RECORDS = RecordReader(Tool, ToolRead, convert=_to_read)


async def create(session: AsyncSession, body: ToolCreate) -> ToolRead:
    """Create a tool. Raises Conflict for a taken name, InvalidRequest for an unknown function."""
    async with configuration_change(session):
        row = Tool(**body.model_dump())
        await check_name_available(session, Tool.name, row.name)
        await _check_tool(session, row)
        session.add(row)
    return _to_read(row)


async def update(session: AsyncSession, tool_id: UUID, body: ToolUpdate) -> ToolRead:
    """Change a tool. Raises NotFound, Conflict, InvalidRequest."""
    async with configuration_change(session):
        row = await find(session, Tool, tool_id)
        fields = get_provided_fields(body, Tool)
        if body.http_call is not None:
            fields["http_call"] = body.http_call.model_dump()
        if fields.get("name", row.name) != row.name:
            await check_name_available(session, Tool.name, fields["name"])
        set_fields(row, fields)
        with session.no_autoflush:
            await _check_tool(session, row)
    return _to_read(row)


async def delete(session: AsyncSession, tool_id: UUID) -> None:
    """Delete a tool. Raises NotFound, and Conflict while an assistant has it."""
    async with configuration_change(session):
        row = await find(session, Tool, tool_id)
        link = col(AssistantTool.assistant_id) == col(Assistant.id)
        used = select(Assistant.name).join(AssistantTool, link)
        used = used.where(AssistantTool.tool_id == tool_id, col(AssistantTool.is_active))
        await check_unused(session, row.name, ("assistants that have it", used))
        await session.delete(row)


async def _check_tool(session: AsyncSession, row: Tool) -> None:
    if row.tool_type == "calendar":
        raise Conflict(
            "Tools of type calendar do not work yet. Use another tool_type; events can be read and"
            " changed through /api/calendar."
        )
    input_schema.check(row)
    await _check_http_call(session, row)
    if row.cache_seconds and resolve_effect_class(row) == "writes":
        raise InvalidRequest(
            f"{row.name} writes, so its results cannot be cached: cache_seconds must be 0."
        )
    if row.assistant_id is None:
        return
    if row.tool_type != "sub_assistant":
        raise InvalidRequest("Only a sub_assistant tool can have an assistant_id.")
    await find(session, Assistant, row.assistant_id)


async def _check_http_call(session: AsyncSession, row: Tool) -> None:
    if row.tool_type == "rest":
        if row.http_call is None:
            raise InvalidRequest("A rest tool needs http_call, the request that it sends.")
        call = HttpCall.model_validate(row.http_call)
        await http_call.check(session, call, resolve_input_schema(row))
    elif row.http_call is not None:
        raise InvalidRequest("Only a rest tool can have http_call.")
    elif row.effect_class is not None:
        raise InvalidRequest(
            "Only a rest tool can have effect_class. That of"
            f" {row.name} is {resolve_effect_class(row)}."
        )
