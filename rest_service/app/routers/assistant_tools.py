from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.base import Page
from smart_kit.contracts.tools import (
    AssistantToolCreate,
    AssistantToolRead,
    AssistantToolUpdate,
)

from ..dependencies import AdminOnly, SessionDep
from ..services.assistants import assistant_tools
from ..services.assistants.assistant_tools import AssistantToolQuery
from ..services.records.crud import ANY_OWNER

router = APIRouter(prefix="/assistant-tools", tags=["assistant-tools"])


@router.get("")
async def list_assistant_tools(
    session: SessionDep, query: Annotated[AssistantToolQuery, Query()]
) -> Page[AssistantToolRead]:
    """List the links between assistants and tools, oldest first."""
    return await assistant_tools.RECORDS.read_page(session, query, ANY_OWNER)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_assistant_tool(
    session: SessionDep, body: AssistantToolCreate
) -> AssistantToolRead:
    """Give a tool to an assistant; sub_assistant_id can replace the assistant that it asks."""
    return await assistant_tools.create(session, body)


@router.get("/{link_id}")
async def get_assistant_tool(session: SessionDep, link_id: UUID) -> AssistantToolRead:
    """One link."""
    return await assistant_tools.RECORDS.read(session, link_id, ANY_OWNER)


@router.put("/{link_id}", operation_id="put_assistant_tool", dependencies=[AdminOnly])
@router.patch("/{link_id}", dependencies=[AdminOnly])
async def update_assistant_tool(
    session: SessionDep, link_id: UUID, body: AssistantToolUpdate
) -> AssistantToolRead:
    """Change the given fields."""
    return await assistant_tools.update(session, link_id, body)


@router.delete("/{link_id}", status_code=204, dependencies=[AdminOnly])
async def delete_assistant_tool(session: SessionDep, link_id: UUID) -> None:
    """Take a tool from an assistant."""
    await assistant_tools.delete(session, link_id)
