"""Links: which assistant has which tool."""

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

from ..models import Assistant, AssistantTool, Tool
from ..pagination import Slice, fetch, page
from . import tools
from .configuration import changing
from .rows import change, find, given_fields, not_found

NOUN = "link"


class LinkSlice(Slice):
    """Which links are wanted."""

    assistant_id: UUID | None = None
    tool_id: UUID | None = None


async def read_page(session: AsyncSession, wanted: LinkSlice) -> Page[AssistantToolRead]:
    """Links, oldest first."""
    rows = select(AssistantTool).order_by(col(AssistantTool.created_at), col(AssistantTool.id))
    if wanted.assistant_id is not None:
        rows = rows.where(AssistantTool.assistant_id == wanted.assistant_id)
    if wanted.tool_id is not None:
        rows = rows.where(AssistantTool.tool_id == wanted.tool_id)
    return page(Page[AssistantToolRead], *await fetch(session, rows, wanted), wanted)


async def read_tools(session: AsyncSession, assistant_id: UUID, wanted: Slice) -> Page[ToolRead]:
    """An assistant's tools by name, as they are for it. Raises NotFound."""
    await find(session, Assistant, assistant_id, "assistant")
    own = select(AssistantTool).where(AssistantTool.assistant_id == assistant_id)
    rows = own.join(Tool, col(Tool.id) == col(AssistantTool.tool_id)).order_by(col(Tool.name))
    links, total = await fetch(session, rows, wanted)
    by_id = select(Tool).where(col(Tool.id).in_([link.tool_id for link in links]))
    found = {tool.id: tool for tool in await session.exec(by_id)}
    items = [_tool_of(link, found[link.tool_id]) for link in links]
    return page(Page[ToolRead], items, total, wanted)


async def read(session: AsyncSession, link_id: UUID) -> AssistantToolRead:
    """Raises NotFound."""
    return _shape(await find(session, AssistantTool, link_id, NOUN))


async def create(session: AsyncSession, body: AssistantToolCreate) -> AssistantToolRead:
    """Raises NotFound; Conflict where the assistant has the tool; InvalidRequest."""
    async with changing(session):
        if await _between(session, body.assistant_id, body.tool_id):
            raise Conflict("The assistant has this tool already.")
        row = AssistantTool(**body.model_dump())
        await _check(session, row)
        session.add(row)
    return _shape(row)


async def give(session: AsyncSession, assistant_id: UUID, tool_id: UUID) -> AssistantToolRead:
    """The assistant has the tool from now on, if it has not had it before."""
    async with changing(session):
        row = await _between(session, assistant_id, tool_id)
        if row is None:
            row = AssistantTool(assistant_id=assistant_id, tool_id=tool_id, sub_assistant_id=None)
            await _check(session, row)
            session.add(row)
        row.is_active = True
    return _shape(row)


async def update(
    session: AsyncSession, link_id: UUID, body: AssistantToolUpdate
) -> AssistantToolRead:
    """Raises NotFound, InvalidRequest."""
    async with changing(session):
        row = await find(session, AssistantTool, link_id, NOUN)
        change(row, given_fields(body, AssistantTool))
        with session.no_autoflush:
            await _check(session, row)
    return _shape(row)


async def delete(session: AsyncSession, link_id: UUID) -> None:
    """Raises NotFound."""
    async with changing(session):
        await session.delete(await find(session, AssistantTool, link_id, NOUN))


async def take(session: AsyncSession, assistant_id: UUID, tool_id: UUID) -> None:
    """Raises NotFound where the assistant does not have the tool."""
    async with changing(session):
        row = await _between(session, assistant_id, tool_id)
        if row is None:
            raise not_found("link between this assistant and tool", tool_id)
        await session.delete(row)


async def _between(
    session: AsyncSession, assistant_id: UUID, tool_id: UUID
) -> AssistantTool | None:
    rows = select(AssistantTool).where(
        AssistantTool.assistant_id == assistant_id, AssistantTool.tool_id == tool_id
    )
    return (await session.exec(rows)).first()


async def _check(session: AsyncSession, row: AssistantTool) -> None:
    await find(session, Assistant, row.assistant_id, "assistant")
    tool = await find(session, Tool, row.tool_id, "tool")
    if row.sub_assistant_id is None:
        return
    if tool.tool_type != "sub_assistant":
        raise InvalidRequest("Only a link to a sub_assistant tool has a sub_assistant_id.")
    await find(session, Assistant, row.sub_assistant_id, "assistant")


def _shape(row: AssistantTool) -> AssistantToolRead:
    return AssistantToolRead.model_validate(row, from_attributes=True)


def _tool_of(link: AssistantTool, tool: Tool) -> ToolRead:
    return tools.shape(tool).model_copy(
        update={
            "is_active": tool.is_active and link.is_active,
            "assistant_id": link.sub_assistant_id or tool.assistant_id,
        }
    )
