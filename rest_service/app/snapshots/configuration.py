"""The configuration as the assistants use it: active records only, links resolved."""

from collections import defaultdict
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.functions import function_of

from ..models import Assistant, AssistantTool, Configuration, Tool
from ..services.input_schema import effective_schema


async def version(session: AsyncSession) -> int:
    """How often the configuration has changed."""
    return (await session.exec(select(Configuration.version))).one()


async def read(session: AsyncSession) -> ConfigurationSnapshot:
    """The whole of it. The version is read first, so that what follows is at least as new."""
    number = await version(session)
    active = select(Assistant).where(col(Assistant.is_active))
    assistants = (await session.exec(active.order_by(col(Assistant.created_at)))).all()
    tools = await _tools(session, {assistant.id for assistant in assistants})
    return ConfigurationSnapshot(
        version=number,
        assistants=tuple(_assistant(one, tools[one.id]) for one in assistants),
    )


async def _tools(session: AsyncSession, answering: set[UUID]) -> dict[UUID, list[ToolSnapshot]]:
    """Each assistant's tools, sorted by name; those that would ask somebody inactive left out."""
    linked = (
        select(AssistantTool, Tool)
        .join(Tool, col(Tool.id) == col(AssistantTool.tool_id))
        .where(col(AssistantTool.is_active), col(Tool.is_active))
        .order_by(col(Tool.name))
    )
    tools: dict[UUID, list[ToolSnapshot]] = defaultdict(list)
    for link, tool in await session.exec(linked):
        if function_of(tool.tool_type, tool.name) is None:
            continue
        asked = link.sub_assistant_id or tool.assistant_id
        if tool.tool_type != "sub_assistant" or asked in answering:
            tools[link.assistant_id].append(_tool(tool, asked))
    return tools


def _assistant(row: Assistant, tools: list[ToolSnapshot]) -> AssistantSnapshot:
    return AssistantSnapshot(
        id=row.id,
        name=row.name,
        is_secretary=row.is_secretary,
        model=row.model,
        instructions=row.instructions,
        assistant_type=row.assistant_type,
        tools=tuple(tools),
    )


def _tool(row: Tool, asked: UUID | None) -> ToolSnapshot:
    return ToolSnapshot(
        id=row.id,
        name=row.name,
        tool_type=row.tool_type,
        description=row.description,
        input_schema=effective_schema(row),
        sub_assistant_id=asked,
    )
