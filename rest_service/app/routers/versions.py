from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from smart_kit.contracts.base import Page
from smart_kit.contracts.versions import ComparisonRead, VersionRead

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..models import Assistant, Tool
from ..pagination import PageQueryDep
from ..services.configuration import version_diff, version_restore, versions

router = APIRouter(tags=["versions"], dependencies=[AdminOnly])

ASSISTANT_VERSIONS_PATH = "/assistants/{assistant_id}/versions"
TOOL_VERSIONS_PATH = "/tools/{tool_id}/versions"

VersionNumber = Annotated[int, Path(ge=1, lt=2**31)]


class VersionPair(BaseModel):
    """Two versions of a record, by their numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: int = Field(ge=1, lt=2**31)
    after: int = Field(ge=1, lt=2**31)


VersionPairQuery = Annotated[VersionPair, Query()]


@router.get(ASSISTANT_VERSIONS_PATH)
async def list_versions_of_assistant(
    session: SessionDep, assistant_id: UUID, query: PageQueryDep
) -> Page[VersionRead]:
    """What it was, with its links, the newest first; also after it was deleted."""
    return await versions.read_page(session, Assistant, assistant_id, query)


@router.get(f"{ASSISTANT_VERSIONS_PATH}/compare")
async def compare_versions_of_assistant(
    session: SessionDep, assistant_id: UUID, pair: VersionPairQuery
) -> ComparisonRead:
    """What is not the same in two versions, field by field; links by the tool's name."""
    return await version_diff.compare(session, Assistant, assistant_id, pair.before, pair.after)


@router.get(f"{ASSISTANT_VERSIONS_PATH}/{{number}}")
async def get_version_of_assistant(
    session: SessionDep, assistant_id: UUID, number: VersionNumber
) -> VersionRead:
    """One version."""
    return await versions.read(session, Assistant, assistant_id, number)


@router.post(f"{ASSISTANT_VERSIONS_PATH}/{{number}}/restore")
async def restore_assistant(
    session: SessionDep, settings: SettingsDep, assistant_id: UUID, number: VersionNumber
) -> VersionRead:
    """Make it what it was, with its links, and answer its newest version.

    Also brings back what was deleted. 409 names what is gone meanwhile and was used by it.
    """
    return await version_restore.restore_assistant(
        session, assistant_id, number, settings.default_model_names
    )


@router.get(TOOL_VERSIONS_PATH)
async def list_versions_of_tool(
    session: SessionDep, tool_id: UUID, query: PageQueryDep
) -> Page[VersionRead]:
    """What it was, the newest first; also after it was deleted."""
    return await versions.read_page(session, Tool, tool_id, query)


@router.get(f"{TOOL_VERSIONS_PATH}/compare")
async def compare_versions_of_tool(
    session: SessionDep, tool_id: UUID, pair: VersionPairQuery
) -> ComparisonRead:
    """What is not the same in two versions, field by field."""
    return await version_diff.compare(session, Tool, tool_id, pair.before, pair.after)


@router.get(f"{TOOL_VERSIONS_PATH}/{{number}}")
async def get_version_of_tool(
    session: SessionDep, tool_id: UUID, number: VersionNumber
) -> VersionRead:
    """One version."""
    return await versions.read(session, Tool, tool_id, number)


@router.post(f"{TOOL_VERSIONS_PATH}/{{number}}/restore")
async def restore_tool(session: SessionDep, tool_id: UUID, number: VersionNumber) -> VersionRead:
    """Make it what it was and answer its newest version.

    Also brings back what was deleted. 409 names what is gone meanwhile and was used by it.
    """
    return await version_restore.restore_tool(session, tool_id, number)
