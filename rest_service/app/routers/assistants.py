from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from smart_kit.contracts.assistants import AssistantCreate, AssistantRead, AssistantUpdate
from smart_kit.contracts.base import Page
from smart_kit.contracts.tools import (
    AssistantToolCreate,
    AssistantToolRead,
    AssistantToolUpdate,
    ToolCreate,
    ToolRead,
    ToolUpdate,
)

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..pagination import PageQueryDep
from ..services.assistants import assistant_tools, assistants
from ..services.assistants.assistant_tools import AssistantToolQuery
from ..services.tools import tools

router = APIRouter(prefix="/assistants", tags=["assistants"])
tools_router = APIRouter(prefix="/tools", tags=["tools"])
links_router = APIRouter(prefix="/assistant-tools", tags=["assistant-tools"])


@router.get("")
async def list_assistants(session: SessionDep, query: PageQueryDep) -> Page[AssistantRead]:
    """List all assistants, oldest first."""
    return await assistants.RECORDS.read_page(session, query)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_assistant(
    session: SessionDep, settings: SettingsDep, body: AssistantCreate
) -> AssistantRead:
    """Add an assistant. 409 if the name is taken or none of its models is active."""
    return await assistants.create(session, body, settings.default_model_names)


@router.get("/{assistant_id}")
async def get_assistant(session: SessionDep, assistant_id: UUID) -> AssistantRead:
    """One assistant."""
    return await assistants.RECORDS.read(session, assistant_id)


@router.put("/{assistant_id}", operation_id="put_assistant", dependencies=[AdminOnly])
@router.patch("/{assistant_id}", dependencies=[AdminOnly])
async def update_assistant(
    session: SessionDep, settings: SettingsDep, assistant_id: UUID, body: AssistantUpdate
) -> AssistantRead:
    """Change the given fields. 409 if no active secretary, or none of its models, would be left."""
    return await assistants.update(session, assistant_id, body, settings.default_model_names)


@router.delete("/{assistant_id}", status_code=204, dependencies=[AdminOnly])
async def delete_assistant(session: SessionDep, assistant_id: UUID) -> None:
    """Delete an assistant that is not in use. Its messages stay."""
    await assistants.delete(session, assistant_id)


@router.get("/{assistant_id}/tools")
async def list_tools_of_assistant(
    session: SessionDep, assistant_id: UUID, query: PageQueryDep
) -> Page[ToolRead]:
    """List its tools by name. `is_active` and `assistant_id` include the settings of the link."""
    return await assistant_tools.read_tools(session, assistant_id, query)


@router.post("/{assistant_id}/tools/{tool_id}", status_code=201, dependencies=[AdminOnly])
async def attach_tool(session: SessionDep, assistant_id: UUID, tool_id: UUID) -> AssistantToolRead:
    """Give a tool to an assistant. Repeating it changes nothing."""
    return await assistant_tools.attach(session, assistant_id, tool_id)


@router.delete("/{assistant_id}/tools/{tool_id}", status_code=204, dependencies=[AdminOnly])
async def detach_tool(session: SessionDep, assistant_id: UUID, tool_id: UUID) -> None:
    """Take a tool from an assistant."""
    await assistant_tools.detach(session, assistant_id, tool_id)


@tools_router.get("")
async def list_tools(session: SessionDep, query: PageQueryDep) -> Page[ToolRead]:
    """List all tools, oldest first."""
    return await tools.RECORDS.read_page(session, query)


@tools_router.post("", status_code=201, dependencies=[AdminOnly])
async def create_tool(session: SessionDep, body: ToolCreate) -> ToolRead:
    """Add a tool. Names are unique, and the schema must fit the function."""
    return await tools.create(session, body)


@tools_router.get("/{tool_id}")
async def get_tool(session: SessionDep, tool_id: UUID) -> ToolRead:
    """One tool, with the schema that models get."""
    return await tools.RECORDS.read(session, tool_id)


@tools_router.put("/{tool_id}", operation_id="put_tool", dependencies=[AdminOnly])
@tools_router.patch("/{tool_id}", dependencies=[AdminOnly])
async def update_tool(session: SessionDep, tool_id: UUID, body: ToolUpdate) -> ToolRead:
    """Change the given fields. Null for input_schema restores the schema of the function."""
    return await tools.update(session, tool_id, body)


@tools_router.delete("/{tool_id}", status_code=204, dependencies=[AdminOnly])
async def delete_tool(session: SessionDep, tool_id: UUID) -> None:
    """Delete a tool that no assistant has."""
    await tools.delete(session, tool_id)


@links_router.get("")
async def list_assistant_tools(
    session: SessionDep, query: Annotated[AssistantToolQuery, Query()]
) -> Page[AssistantToolRead]:
    """List the links between assistants and tools, oldest first."""
    return await assistant_tools.RECORDS.read_page(session, query)


@links_router.post("", status_code=201, dependencies=[AdminOnly])
async def create_assistant_tool(
    session: SessionDep, body: AssistantToolCreate
) -> AssistantToolRead:
    """Give a tool to an assistant; sub_assistant_id can replace the assistant that it asks."""
    return await assistant_tools.create(session, body)


@links_router.get("/{link_id}")
async def get_assistant_tool(session: SessionDep, link_id: UUID) -> AssistantToolRead:
    """One link."""
    return await assistant_tools.RECORDS.read(session, link_id)


@links_router.put("/{link_id}", operation_id="put_assistant_tool", dependencies=[AdminOnly])
@links_router.patch("/{link_id}", dependencies=[AdminOnly])
async def update_assistant_tool(
    session: SessionDep, link_id: UUID, body: AssistantToolUpdate
) -> AssistantToolRead:
    """Change the given fields."""
    return await assistant_tools.update(session, link_id, body)


@links_router.delete("/{link_id}", status_code=204, dependencies=[AdminOnly])
async def delete_assistant_tool(session: SessionDep, link_id: UUID) -> None:
    """Take a tool from an assistant."""
    await assistant_tools.delete(session, link_id)
