from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from smart_kit.contracts.base import Page
from smart_kit.contracts.versions import ComparisonRead, VersionRead

from ..dependencies import AdminOnly, SessionDep, SettingsDep
from ..pagination import PageQueryDep
from ..services import version_restore
from ..services.configuration import version_diff, versions
from ..services.configuration.versions import TABLES, VersionedTable

router = APIRouter(tags=["versions"], dependencies=[AdminOnly])

VersionNumber = Annotated[int, Path(ge=1, lt=2**31)]


class VersionPair(BaseModel):
    """The numbers of two versions of a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: int = Field(ge=1, lt=2**31)
    after: int = Field(ge=1, lt=2**31)


def _add_read_routes(table: VersionedTable) -> None:
    path = f"/{table.__tablename__}/{{object_id}}/versions"

    @router.get(path, name=f"list_versions_of_{table.noun}")
    async def list_versions(
        session: SessionDep, object_id: UUID, query: PageQueryDep
    ) -> Page[VersionRead]:
        """List the versions, newest first. They stay after the record is deleted."""
        return await versions.read_page(session, table, object_id, query)

    @router.get(f"{path}/compare", name=f"compare_versions_of_{table.noun}")
    async def compare_versions(
        session: SessionDep, object_id: UUID, pair: Annotated[VersionPair, Query()]
    ) -> ComparisonRead:
        """Compare two versions field by field. Tools are compared by name."""
        return await version_diff.compare(session, table, object_id, pair.before, pair.after)

    @router.get(f"{path}/{{number}}", name=f"get_version_of_{table.noun}")
    async def get_version(
        session: SessionDep, object_id: UUID, number: VersionNumber
    ) -> VersionRead:
        """One version."""
        return await versions.read(session, table, object_id, number)


for _table in TABLES:
    _add_read_routes(_table)


@router.post("/assistants/{object_id}/versions/{number}/restore")
async def restore_assistant(
    session: SessionDep, settings: SettingsDep, object_id: UUID, number: VersionNumber
) -> VersionRead:
    """Restore an assistant with its tools and return its newest version.

    A deleted assistant is created again. 409 names what the version refers to and no longer exists.
    """
    return await version_restore.restore_assistant(
        session, object_id, number, settings.default_model_names
    )


@router.post("/tools/{object_id}/versions/{number}/restore")
async def restore_tool(session: SessionDep, object_id: UUID, number: VersionNumber) -> VersionRead:
    """Restore a tool and return its newest version.

    A deleted tool is created again. 409 names what the version refers to and no longer exists.
    """
    return await version_restore.restore_tool(session, object_id, number)
