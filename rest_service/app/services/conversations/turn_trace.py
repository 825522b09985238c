"""Explains a turn: its steps with the assistants and tools of that time."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.threads import (
    MessageRead,
    TracedAssistant,
    TracedTool,
    TurnRead,
    TurnTraceRead,
)
from smart_kit.contracts.versions import VersionRead

from ...models import Assistant, Message, Tool
from ..configuration import versions
from . import messages, turns
from .messages import MessageId

VersionsById = Mapping[UUID, tuple[VersionRead, JsonObject]]
"""Versions with their contents, by record id."""


async def read(session: AsyncSession, message_id: MessageId) -> TurnTraceRead:
    """Return the trace. Raises NotFound, also until the turn is archived, shortly after its end."""
    turn = await turns.read(session, message_id, owner=None)
    assistant_ids = {turn.assistant_id} | {s.assistant_id for s in turn.steps if s.assistant_id}
    assistants = _skip_deleted(
        await versions.read_as_of(session, Assistant, assistant_ids, turn.configuration_version)
    )
    tool_ids = {
        UUID(link["tool_id"])
        for _, content in assistants.values()
        for link in content["tools"]
        if link["is_active"]
    }
    tools = _skip_deleted(
        await versions.read_as_of(session, Tool, tool_ids, turn.configuration_version)
    )
    return TurnTraceRead(
        turn=turn,
        assistants=[
            TracedAssistant(**_to_version_fields(row_id, assistants)) for row_id in assistants
        ],
        tools=_build_tools(turn, tools),
        messages=await _read_messages(session, message_id),
    )


def _skip_deleted(found: dict[UUID, VersionRead]) -> VersionsById:
    return {
        row_id: (version, version.content)
        for row_id, version in found.items()
        if version.content is not None
    }


def _to_version_fields(row_id: UUID, versions_by_id: VersionsById) -> JsonObject:
    version, content = versions_by_id[row_id]
    return content | {"id": row_id, "number": version.number}


def _build_tools(turn: TurnRead, tools: VersionsById) -> list[TracedTool]:
    called = {step.name for step in turn.steps if step.kind == "tool"}
    found = [
        TracedTool(**_to_version_fields(row_id, tools), was_called=content["name"] in called)
        for row_id, (_, content) in tools.items()
    ]
    return sorted(found, key=lambda tool: tool.name)


async def _read_messages(session: AsyncSession, message_id: MessageId) -> list[MessageRead]:
    rows = select(Message).where(Message.message_id == message_id).order_by(col(Message.position))
    return [messages.RECORDS.to_read(row) for row in await session.exec(rows)]
