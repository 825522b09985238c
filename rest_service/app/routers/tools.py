from uuid import UUID

from fastapi import APIRouter

from smart_kit.contracts.base import Page
from smart_kit.contracts.tools import (
    ToolCreate,
    ToolRead,
    ToolUpdate,
)

from ..dependencies import AdminOnly, SessionDep
from ..pagination import PageQueryDep
from ..services.records.crud import ANY_OWNER
from ..services.tools import tools

router = APIRouter(prefix="/tools", tags=["tools"])


@router.get("")
async def list_tools(session: SessionDep, query: PageQueryDep) -> Page[ToolRead]:
    """List all tools, oldest first."""
    return await tools.RECORDS.read_page(session, query, ANY_OWNER)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_tool(session: SessionDep, body: ToolCreate) -> ToolRead:
    """Add a tool. Names are unique, and the schema must fit the function."""
    return await tools.create(session, body)


@router.get("/{tool_id}")
async def get_tool(session: SessionDep, tool_id: UUID) -> ToolRead:
    """One tool, with the schema that models get."""
    return await tools.RECORDS.read(session, tool_id, ANY_OWNER)


@router.put("/{tool_id}", operation_id="put_tool", dependencies=[AdminOnly])
@router.patch("/{tool_id}", dependencies=[AdminOnly])
async def update_tool(session: SessionDep, tool_id: UUID, body: ToolUpdate) -> ToolRead:
    """Change the given fields. Null for input_schema restores the schema of the function."""
    return await tools.update(session, tool_id, body)


@router.delete("/{tool_id}", status_code=204, dependencies=[AdminOnly])
async def delete_tool(session: SessionDep, tool_id: UUID) -> None:
    """Delete a tool that no assistant has."""
    await tools.delete(session, tool_id)
