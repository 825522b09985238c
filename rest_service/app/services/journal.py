"""Why did it say that: a turn with the configuration that it was made with."""

from collections.abc import Mapping
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.threads import (
    AssistantThen,
    JournalRead,
    MessageRead,
    ToolThen,
    TurnRead,
)
from smart_kit.contracts.versions import VersionRead

from ..models import Assistant, Message, Tool
from . import turns, versions
from .messages import MessageId

Then = Mapping[UUID, tuple[VersionRead, JsonObject]]
"""Versions with their contents, by their records' ids."""


async def read(session: AsyncSession, message_id: MessageId) -> JournalRead:
    """Raises NotFound, also until the turn is archived, a moment after its end."""
    turn = await turns.read(session, message_id, owner=None)
    asked = {turn.assistant_id, *(step.assistant_id for step in turn.steps if step.assistant_id)}
    assistants = _existing(
        await versions.as_of(session, Assistant, asked, turn.configuration_version)
    )
    offered = {
        UUID(link["tool_id"])
        for _, content in assistants.values()
        for link in content["tools"]
        if link["is_active"]
    }
    tools = _existing(await versions.as_of(session, Tool, offered, turn.configuration_version))
    return JournalRead(
        turn=turn,
        assistants=[AssistantThen(**_then(row_id, assistants)) for row_id in assistants],
        tools=_tools(turn, tools),
        messages=await _messages(session, message_id),
    )


def _existing(found: dict[UUID, VersionRead]) -> Then:
    return {
        row_id: (version, version.content)
        for row_id, version in found.items()
        if version.content is not None
    }


def _then(row_id: UUID, known: Then) -> JsonObject:
    version, content = known[row_id]
    return content | {"id": row_id, "number": version.number}


def _tools(turn: TurnRead, tools: Then) -> list[ToolThen]:
    called = {step.name for step in turn.steps if step.kind == "tool"}
    found = [
        ToolThen(**_then(row_id, tools), was_called=content["name"] in called)
        for row_id, (_, content) in tools.items()
    ]
    return sorted(found, key=lambda tool: tool.name)


async def _messages(session: AsyncSession, message_id: MessageId) -> list[MessageRead]:
    rows = select(Message).where(Message.message_id == message_id).order_by(col(Message.position))
    return [
        MessageRead.model_validate(row, from_attributes=True) for row in await session.exec(rows)
    ]
