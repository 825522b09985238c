"""Turns, and their steps with the assistants and tools of that time."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject, Page
from smart_kit.contracts.threads import (
    TracedAssistantVersion,
    TracedToolVersion,
    TurnRead,
    TurnTraceRead,
)

from ...models import Assistant, Message, Tool, Turn
from ...pagination import PageQuery, paginate, select_matching
from ..configuration import versions
from ..configuration.versions import VersionedTable
from ..records.crud import OwnerScope, not_found_error
from . import messages
from .messages import MessageId


class TurnQuery(PageQuery):
    user_id: UUID | None = None
    thread_id: UUID | None = None


async def read_page(session: AsyncSession, query: TurnQuery, owner: OwnerScope) -> Page[TurnRead]:
    """Return turns, newest first."""
    newest_first = (col(Turn.started_at).desc(), col(Turn.message_id))
    rows = select_matching(Turn, query, owner, *newest_first)
    return await paginate(session, rows, query, _to_read)


async def read(session: AsyncSession, message_id: MessageId, owner: OwnerScope) -> TurnRead:
    """Return a turn. Raises NotFound."""
    row = await session.get(Turn, message_id)
    if row is None or owner not in (None, row.user_id):
        raise not_found_error("turn of the message", message_id)
    return _to_read(row)


async def read_trace(session: AsyncSession, message_id: MessageId) -> TurnTraceRead:
    """Return the trace. Raises NotFound, also until the turn is archived, shortly after its end."""
    turn = await read(session, message_id, owner=None)
    assistant_ids = {turn.assistant_id} | {s.assistant_id for s in turn.steps if s.assistant_id}
    assistants = await _read_contents_as_of(session, Assistant, assistant_ids, turn)
    links = [link for assistant in assistants for link in assistant["tools"]]
    tool_ids = {UUID(link["tool_id"]) for link in links if link["is_active"]}
    tools = await _read_contents_as_of(session, Tool, tool_ids, turn)
    called = {step.name for step in turn.steps if step.kind == "tool"}
    rows = select(Message).where(Message.message_id == message_id).order_by(col(Message.position))
    return TurnTraceRead(
        turn=turn,
        assistants=[TracedAssistantVersion(**assistant) for assistant in assistants],
        tools=[
            TracedToolVersion(**tool, was_called=tool["name"] in called)
            for tool in sorted(tools, key=lambda tool: str(tool["name"]))
        ],
        messages=[messages.RECORDS.to_read(row) for row in await session.exec(rows)],
    )


async def _read_contents_as_of(
    session: AsyncSession, table: VersionedTable, row_ids: Collection[UUID], turn: TurnRead
) -> list[JsonObject]:
    """Return the contents of the records' versions at that time, without deleted records."""
    found = await versions.read_as_of(session, table, row_ids, turn.configuration_version)
    return [
        version.content | {"id": row_id, "number": version.number}
        for row_id, version in found.items()
        if version.content is not None
    ]


def _to_read(row: Turn) -> TurnRead:
    return TurnRead.model_validate(row, from_attributes=True)
