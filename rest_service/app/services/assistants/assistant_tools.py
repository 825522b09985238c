"""Links between assistants and tools."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import Page
from smart_kit.contracts.tools import (
    AssistantToolCreate,
    AssistantToolRead,
    AssistantToolUpdate,
    ToolRead,
)
from smart_kit.errors import Conflict, InvalidRequest

from ...models import Assistant, AssistantTool, Tool
from ...pagination import PageQuery, build_page, count_rows, fetch_rows
from ..configuration.change import configuration_change
from ..records.crud import RecordReader, find, get_provided_fields, not_found_error, set_fields
from ..tools import tools

RECORDS = RecordReader(AssistantTool, AssistantToolRead)


class AssistantToolQuery(PageQuery):
    assistant_id: UUID | None = None
    tool_id: UUID | None = None


async def read_tools(session: AsyncSession, assistant_id: UUID, query: PageQuery) -> Page[ToolRead]:
    """Return the tools of an assistant, by name, with what the links change. Raises NotFound."""
    await find(session, Assistant, assistant_id)
    own = select(AssistantTool).where(AssistantTool.assistant_id == assistant_id)
    rows = own.join(Tool, col(Tool.id) == col(AssistantTool.tool_id)).order_by(col(Tool.name))
    total = await count_rows(session, rows)
    links = await fetch_rows(session, rows, query)
    by_id = select(Tool).where(col(Tool.id).in_([link.tool_id for link in links]))
    found = {tool.id: tool for tool in await session.exec(by_id)}
    items = [_to_tool_read(link, found[link.tool_id]) for link in links]
    return build_page(items, total, query)


async def create(session: AsyncSession, body: AssistantToolCreate) -> AssistantToolRead:
    """Create a link. Raises NotFound, InvalidRequest, and Conflict if there is one already."""
    async with configuration_change(session):
        if await _find_link(session, body.assistant_id, body.tool_id):
            raise Conflict("The assistant already has this tool.")
        row = AssistantTool(**body.model_dump())
        await _check_link(session, row)
        session.add(row)
    return RECORDS.to_read(row)


async def attach(session: AsyncSession, assistant_id: UUID, tool_id: UUID) -> AssistantToolRead:
    """Give a tool to an assistant, unless it has the tool already."""
    async with configuration_change(session):
        row = await _find_link(session, assistant_id, tool_id)
        if row is None:
            row = AssistantTool(assistant_id=assistant_id, tool_id=tool_id, sub_assistant_id=None)
            await _check_link(session, row)
            session.add(row)
        row.is_active = True
    return RECORDS.to_read(row)


async def update(
    session: AsyncSession, link_id: UUID, body: AssistantToolUpdate
) -> AssistantToolRead:
    """Change a link. Raises NotFound, InvalidRequest."""
    async with configuration_change(session):
        row = await find(session, AssistantTool, link_id)
        set_fields(row, get_provided_fields(body, AssistantTool))
        with session.no_autoflush:
            await _check_link(session, row)
    return RECORDS.to_read(row)


async def delete(session: AsyncSession, link_id: UUID) -> None:
    """Delete a link. Raises NotFound."""
    async with configuration_change(session):
        await session.delete(await find(session, AssistantTool, link_id))


async def detach(session: AsyncSession, assistant_id: UUID, tool_id: UUID) -> None:
    """Take a tool from an assistant. Raises NotFound if it does not have the tool."""
    async with configuration_change(session):
        row = await _find_link(session, assistant_id, tool_id)
        if row is None:
            raise not_found_error("link between this assistant and tool", tool_id)
        await session.delete(row)


async def _find_link(
    session: AsyncSession, assistant_id: UUID, tool_id: UUID
) -> AssistantTool | None:
    rows = select(AssistantTool).where(
        AssistantTool.assistant_id == assistant_id, AssistantTool.tool_id == tool_id
    )
    return (await session.exec(rows)).first()


async def _check_link(session: AsyncSession, row: AssistantTool) -> None:
    await find(session, Assistant, row.assistant_id)
    tool = await find(session, Tool, row.tool_id)
    if row.sub_assistant_id is None:
        return
    if tool.tool_type != "sub_assistant":
        raise InvalidRequest("Only a link to a sub_assistant tool can have a sub_assistant_id.")
    await find(session, Assistant, row.sub_assistant_id)


def _to_tool_read(link: AssistantTool, tool: Tool) -> ToolRead:
    return tools.RECORDS.to_read(tool).model_copy(
        update={
            "is_active": tool.is_active and link.is_active,
            "assistant_id": link.sub_assistant_id or tool.assistant_id,
        }
    )
