from uuid import UUID

from fastapi import APIRouter

from smart_kit.contracts.assistants import AssistantCreate, AssistantRead, AssistantUpdate
from smart_kit.contracts.base import Page
from smart_kit.contracts.tools import (
    AssistantToolRead,
    ToolRead,
)

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..pagination import PageQueryDep
from ..services.assistants import assistant_tools, assistants
from ..services.records.crud import ANY_OWNER

router = APIRouter(prefix="/assistants", tags=["assistants"])


@router.get("")
async def list_assistants(session: SessionDep, query: PageQueryDep) -> Page[AssistantRead]:
    """List all assistants, oldest first."""
    return await assistants.RECORDS.read_page(session, query, ANY_OWNER)


@router.post("", status_code=201, dependencies=[AdminOnly])
async def create_assistant(
    session: SessionDep, settings: SettingsDep, body: AssistantCreate
) -> AssistantRead:
    """Add an assistant. 409 if the name is taken or none of its models is active."""
    return await assistants.create(session, body, settings.default_model_names)


@router.get("/{assistant_id}")
async def get_assistant(session: SessionDep, assistant_id: UUID) -> AssistantRead:
    """One assistant."""
    return await assistants.RECORDS.read(session, assistant_id, ANY_OWNER)


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
