"""The versions of assistants and tools, recorded in the transaction of each change."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.contracts.audit import Caller
from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.versions import VersionRead

from ...models import Assistant, AssistantTool, ConfigurationVersion, RecordVersion, Tool
from ...pagination import PageQuery, paginate
from ..records.crud import find, not_found_error

VersionedTable = type[Assistant] | type[Tool]
ChangeFingerprints = set[tuple[VersionedTable, UUID, UUID | None, datetime]]

TABLES: tuple[VersionedTable, ...] = (Assistant, Tool)
_UNVERSIONED_FIELDS = {"id", "created_at", "updated_at"}


@dataclass(frozen=True)
class ChangeAuthor:
    """The author of a session's changes, stored in `session.info`."""

    caller: Caller | None = None
    request_id: str | None = None


async def read_fingerprints(session: AsyncSession) -> ChangeFingerprints:
    """Return a set that differs after a change of any assistant, tool or link."""
    links = select(AssistantTool.assistant_id, AssistantTool.id, AssistantTool.updated_at)
    found: ChangeFingerprints = {(Assistant, *link) for link in await session.exec(links)}
    for table in TABLES:
        rows = await session.exec(select(table.id, table.updated_at))
        found |= {(table, row_id, None, changed_at) for row_id, changed_at in rows}
    return found


async def record(
    session: AsyncSession, before: ChangeFingerprints, restored_from: int | None
) -> None:
    """Add a version of each record that differs from its last version."""
    touched = {mark[:2] for mark in before ^ await read_fingerprints(session)}
    if not touched:
        return
    author: ChangeAuthor = session.info.get(ChangeAuthor, ChangeAuthor())
    count = (await session.exec(select(ConfigurationVersion.version))).one()
    for table in TABLES:
        for row_id in sorted(row_id for its_table, row_id in touched if its_table is table):
            content = await _read_content(session, table, row_id)
            last = (await session.exec(_select_versions(table, row_id).limit(1))).first()
            if content == (last.content if last else None):
                continue
            session.add(
                RecordVersion(
                    object_type=table.__tablename__,
                    object_id=row_id,
                    number=last.number + 1 if last else 1,
                    configuration_version=count,
                    caller=author.caller,
                    request_id=author.request_id,
                    content=content,
                    restored_from=restored_from,
                )
            )


async def read_page(
    session: AsyncSession, table: VersionedTable, row_id: UUID, query: PageQuery
) -> Page[VersionRead]:
    """Return the versions of a record, newest first. Raises NotFound if it never existed."""
    rows = _select_versions(table, row_id)
    page = await paginate(session, rows, query, _to_read)
    if not page.total:
        await find(session, table, row_id)
    return page


async def read(
    session: AsyncSession, table: VersionedTable, row_id: UUID, number: int
) -> VersionRead:
    """Return a version. Raises NotFound."""
    rows = _select_versions(table, row_id).where(RecordVersion.number == number)
    row = (await session.exec(rows)).first()
    if row is None:
        raise not_found_error(f"version of the {table.noun} {row_id} with the number", number)
    return _to_read(row)


async def read_latest(session: AsyncSession, table: VersionedTable, row_id: UUID) -> VersionRead:
    """Return the last version, which must exist."""
    return _to_read((await session.exec(_select_versions(table, row_id).limit(1))).one())


async def read_as_of(
    session: AsyncSession,
    table: VersionedTable,
    row_ids: Collection[UUID],
    configuration_version: int,
) -> dict[UUID, VersionRead]:
    """Return the records' versions at that version of the configuration, as far as known."""
    rows = (
        select(RecordVersion)
        .where(
            RecordVersion.object_type == table.__tablename__,
            col(RecordVersion.object_id).in_(row_ids),
        )
        .where(RecordVersion.configuration_version <= configuration_version)
        .ext(distinct_on(col(RecordVersion.object_id)))
        .order_by(col(RecordVersion.object_id), col(RecordVersion.number).desc())
    )
    return {row.object_id: _to_read(row) for row in await session.exec(rows)}


async def get_last_known_name(session: AsyncSession, table: VersionedTable, row_id: UUID) -> str:
    """Return the name of a record, the last name of a deleted one, or the id if unknown."""
    rows = _select_versions(table, row_id).where(col(RecordVersion.content).is_not(None))
    last = (await session.exec(rows.limit(1))).first()
    return str(last.content["name"]) if last and last.content else str(row_id)


async def _read_content(
    session: AsyncSession, table: VersionedTable, row_id: UUID
) -> JsonObject | None:
    row = await session.get(table, row_id, populate_existing=True)
    if row is None:
        return None
    fields: JsonObject = row.model_dump(mode="json")
    content = {name: fields[name] for name in table.model_fields if name not in _UNVERSIONED_FIELDS}
    return content | ({"tools": await _read_links(session, row_id)} if table is Assistant else {})


async def _read_links(session: AsyncSession, assistant_id: UUID) -> list[JsonObject]:
    links = (
        select(AssistantTool, Tool.name)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(AssistantTool.assistant_id == assistant_id)
        .execution_options(populate_existing=True)
    )
    found = [
        {"tool_id": str(link.tool_id), "name": name}
        | link.model_dump(mode="json", include={"sub_assistant_id", "is_active"})
        for link, name in await session.exec(links)
    ]
    return sorted(found, key=lambda link: str(link["name"]))


def _select_versions(table: VersionedTable, row_id: UUID) -> SelectOfScalar[RecordVersion]:
    rows = select(RecordVersion).where(
        RecordVersion.object_type == table.__tablename__, RecordVersion.object_id == row_id
    )
    return rows.order_by(col(RecordVersion.number).desc())


def _to_read(row: RecordVersion) -> VersionRead:
    return VersionRead.model_validate(row, from_attributes=True)
